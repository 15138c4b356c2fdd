import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderOf } from "../../test/ledger-kit.ts";
import type { AskedMount } from "../domain/mount-rules.ts";
import { allowlistPath, lookAtMounts } from "./extra-mounts.ts";

describe("folders of the person's for a group", () => {
  let home: string;
  beforeEach(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-mounts-")));
    for (const name of ["projects/tokenizer/src", "projects/app", "outside", ".ssh", "nanoclaw/store"]) {
      mkdirSync(join(home, name), { recursive: true });
    }
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const allow = (allowlist: unknown) => {
    mkdirSync(dirname(allowlistPath(home)), { recursive: true });
    writeFileSync(allowlistPath(home), typeof allowlist === "string" ? allowlist : JSON.stringify(allowlist));
  };
  const projects = { allowedRoots: [{ path: "~/projects", allowReadWrite: true }] };
  type Asking = { folder?: string; runtime?: "docker" | "host"; others?: Record<string, AskedMount[]> };
  const look = (asked: AskedMount[], changes: Asking = {}) =>
    lookAtMounts({
      groups: Object.entries({ [changes.folder ?? "main"]: asked, ...changes.others }).map(([name, mounts]) => {
        return { folder: folderOf(name), settings: { mounts } };
      }),
      ...{ asked, home, closed: [join(home, "nanoclaw")], runtime: changes.runtime ?? "docker" },
      folder: folderOf(changes.folder ?? "main"),
    });
  const mount = (hostPath: string, containerPath = "it", readonly = true) => ({ hostPath, containerPath, readonly });
  const problems = (asked: AskedMount[]) => look(asked).problems.map(({ problem }) => problem);

  test("are shown as the allowlist allows, by their real paths", () => {
    allow(projects);
    symlinkSync(join(home, "projects"), join(home, "p"));
    expect(look([mount("~/projects/tokenizer", "tok"), mount(join(home, "p", "app"), "app", false)])).toEqual({
      mounts: [
        { source: join(home, "projects/tokenizer"), name: "tok", readonly: true },
        { source: join(home, "projects/app"), name: "app", readonly: false },
      ],
      problems: [],
    });
  });

  test("nothing is shown without an allowlist, or with one that cannot be used", () => {
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/there is no allowlist/)]);
    allow("{ not json");
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/cannot be used/)]);
    allow({ allowedRoots: "all" });
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/cannot be used/)]);
    expect(look([])).toEqual({ mounts: [], problems: [] });
  });

  test("an allowlist that changes counts at the next look", () => {
    allow({ allowedRoots: [] });
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/none of the allowlist/)]);
    allow(projects);
    expect(problems([mount("~/projects/app")])).toEqual([]);
    allow({ ...projects, blockedPatterns: ["app"] });
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/never shown/)]);
  });

  test("links that lead out of a root, or to secrets, are refused, and the others are shown", () => {
    allow(projects);
    symlinkSync(join(home, "outside"), join(home, "projects/out"));
    symlinkSync(join(home, ".ssh"), join(home, "projects/keys"));
    const looked = look([mount("~/projects/out", "a"), mount("~/projects/keys", "b"), mount("~/projects/app", "c")]);
    expect(looked.mounts.map(({ name }) => name)).toEqual(["c"]);
    expect(looked.problems).toEqual([
      { hostPath: "~/projects/out", problem: expect.stringMatching(/none of the allowlist/) as string },
      { hostPath: "~/projects/keys", problem: expect.stringMatching(/".ssh" is never shown/) as string },
    ]);
  });

  test("a folder around secrets, or with some in it, is refused", () => {
    allow({ allowedRoots: [{ path: "~" }] });
    writeFileSync(join(home, "projects/app/.env"), "KEY=1");
    expect(problems([mount("~")])).toEqual([expect.stringMatching(/narrower/)]);
    expect(problems([mount("~/nanoclaw/store")])).toEqual([expect.stringMatching(/narrower/)]);
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/holds \.env/)]);
    expect(problems([mount("~/projects/tokenizer")])).toEqual([]);
  });

  test("a folder is not read beyond what may be in it", () => {
    allow(projects);
    for (let at = 0; at < 10_000; at += 1) writeFileSync(join(home, "projects/app", `${at}`), "");
    expect(problems([mount("~/projects/app")])).toEqual([]);
    writeFileSync(join(home, "projects/app/one-more"), "");
    expect(problems([mount("~/projects/app")])).toEqual([expect.stringMatching(/more than 10000 names/)]);
  });

  test("a link below a root is not followed, one above it is, and a root may be one", () => {
    allow({ allowedRoots: [{ path: "~/work" }] });
    mkdirSync(join(home, "projects/deep/er"), { recursive: true });
    symlinkSync("projects", join(home, "work"));
    symlinkSync("deep", join(home, "projects/short"));
    symlinkSync("projects/short/er", join(home, "far"));
    expect(problems([mount("~/work/app", "a"), mount("~/projects/deep/../deep/er", "b")])).toEqual([]);
    const link = expect.stringMatching(/projects\/short is a link/) as string;
    expect(problems([mount("~/work/short/er"), mount("~/far"), mount("~/work/short")])).toEqual([link, link, link]);
  });

  test("what lies in a folder that a group may write is refused to all, the folder itself is not", () => {
    allow({ ...projects, nonMainReadOnly: false });
    const whole = mount("~/projects", "whole", false);
    const inside = mount("~/projects/app", "in");
    const refused = expect.stringMatching(/where the group "\w+" may write/) as string;
    expect(look([inside], { folder: "family", others: { work: [whole] } }).problems).toMatchObject([
      { problem: refused },
    ]);
    expect(problems([whole, inside])).toEqual([refused]);
    expect(look([mount("~/projects", "same")], { folder: "family", others: { work: [whole] } }).problems).toEqual([]);
    expect(look([mount("~/projects", "all")], { folder: "family", others: { work: [inside] } }).problems).toEqual([]);
    allow(projects); // there only main may write
    expect(look([inside], { folder: "family", others: { work: [whole] } }).problems).toEqual([]);
    expect(look([inside], { folder: "family", others: { main: [whole] } }).problems).toMatchObject([
      { problem: refused },
    ]);
  });

  test("files, what is missing, and a second one of the same name are refused", () => {
    allow(projects);
    writeFileSync(join(home, "projects/file"), "");
    expect(problems([mount("~/projects/file"), mount("~/projects/none")])).toEqual([
      expect.stringMatching(/no folder/),
      expect.stringMatching(/nothing at that path/),
    ]);
    expect(problems([mount("~/projects/app"), mount("~/projects/tokenizer")])).toEqual([
      expect.stringMatching(/another one/),
    ]);
  });

  test("without containers nothing is shown, since nothing could keep it from being written", () => {
    allow(projects);
    expect(look([mount("~/projects/app")], { runtime: "host" })).toEqual({
      mounts: [],
      problems: [{ hostPath: "~/projects/app", problem: expect.stringMatching(/need containers/) as string }],
    });
  });
});
