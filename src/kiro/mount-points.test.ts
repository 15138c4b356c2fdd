import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import { personsPlaces } from "./kiro-places.ts";
import { lookAt, makeMountPoints, resolvedPlaces } from "./mount-points.ts";

const isRoot = process.getuid?.() === 0;
const other = { uid: 234_567, gid: 234_567 };

describe("folders that mounts are put upon", () => {
  it("are made where they are missing, and left where they are", () => {
    const root = temporary();
    const points = [".local", ".local/share"].map((name) => ({ path: join(root, name), owned: true }));
    expect(makeMountPoints(points, null)).toBeUndefined();
    expect(makeMountPoints(points, null)).toBeUndefined();
    expect(statSync(join(root, ".local/share")).isDirectory()).toBe(true);
  });

  it.runIf(isRoot)("belong to the user inside where that user works in them", () => {
    const root = temporary();
    const points = [
      { path: join(root, "his"), owned: true },
      { path: join(root, "ours"), owned: false },
    ];
    makeMountPoints(points, other);
    expect([statSync(join(root, "his")).uid, statSync(join(root, "ours")).uid]).toEqual([other.uid, 0]);
  });

  it("are named when an agent has made something else of them", () => {
    for (const plant of [(path: string) => symlinkSync("/etc", path), (path: string) => writeFileSync(path, "")]) {
      const root = temporary();
      plant(join(root, ".local"));
      const points = [".local", ".local/share"].map((name) => ({ path: join(root, name), owned: true }));
      expect(makeMountPoints(points, null)).toContain(`${join(root, ".local")} is no folder`);
    }
  });
});

it("sees what stands at a path without following a link", () => {
  const root = temporary();
  mkdirSync(join(root, "folder"));
  symlinkSync(join(root, "folder"), join(root, "link"));
  writeFileSync(join(root, "file"), "");
  expect(["folder", "link", "file", "none"].map((name) => lookAt(join(root, name)))).toEqual([
    "folder",
    "link",
    "missing",
    "missing",
  ]);
});

it("follows the person's own links to their folders, and leaves what is not there", () => {
  const home = temporary();
  mkdirSync(join(home, "dotfiles", "kiro"), { recursive: true });
  symlinkSync(join(home, "dotfiles", "kiro"), join(home, ".kiro"));
  const places = personsPlaces({ platform: "linux", env: {}, home });
  expect(resolvedPlaces(places)).toEqual({ ...places, kiro: join(home, "dotfiles", "kiro") });
});
