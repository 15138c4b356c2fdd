import { describe, expect, it } from "vitest";
import type { KiroMode } from "./kiro-mode.ts";
import { hostHome, kiroMounts, type KiroMountFacts } from "./kiro-mounts.ts";
import { personsPlaces } from "./kiro-places.ts";

const linux = personsPlaces({ platform: "linux", env: {}, home: "/home/ann" });
const mac = personsPlaces({ platform: "darwin", env: {}, home: "/Users/ann" });

function mountsOf(mode: KiroMode, changes: Partial<KiroMountFacts> = {}) {
  return kiroMounts({
    mode,
    places: linux,
    look: () => "folder",
    aws: false,
    groupHome: "/nc/data/kiro/g",
    sharedLogin: "/nc/data/kiro-login/g",
    ...changes,
  });
}

const lines = (mode: KiroMode, changes: Partial<KiroMountFacts> = {}): string[] =>
  mountsOf(mode, changes).mounts.map(
    ({ source, target, readonly, owned, persons }) =>
      `${source} -> ${target} ${readonly ? "ro" : "rw"}${owned ? " owned" : ""}${persons ? " persons" : ""}`,
  );

describe("what a container sees of Kiro", () => {
  it("is nothing of the person's with a key, or without credentials", () => {
    expect(lines({ kind: "api-key" }, { aws: true })).toEqual([]);
    expect(lines({ kind: "none", why: "", cure: "" }, { aws: true })).toEqual([]);
  });

  it("is the person's login, steering and skills in main, and no cloud account", () => {
    expect(lines({ kind: "owner-login" })).toEqual([
      "/home/ann/.local/share/kiro-cli -> /home/node/.local/share/kiro-cli rw owned persons",
      "/home/ann/.kiro/steering -> /home/node/.kiro/steering ro persons",
      "/home/ann/.kiro/skills -> /home/node/.kiro/skills ro persons",
    ]);
  });

  it("has the cloud account read-only where the owner said so", () => {
    expect(lines({ kind: "owner-login" }, { aws: true })).toContain("/home/ann/.aws -> /home/node/.aws ro persons");
  });

  it("puts a Mac's folders where a Linux kiro-cli looks", () => {
    expect(lines({ kind: "owner-login" }, { places: mac })[0]).toBe(
      "/Users/ann/Library/Application Support/kiro-cli -> /home/node/.local/share/kiro-cli rw owned persons",
    );
  });

  it("is put upon folders of the group's own, with the one above them", () => {
    const look = (path: string) => (path.endsWith("steering") ? ("missing" as const) : ("folder" as const));
    const { points } = mountsOf({ kind: "owner-login" }, { look });
    const names = points.map(({ path }) => path.replace("/nc/data/kiro/g/", ""));
    expect(names).toEqual([".local", ".local/share", ".local/share/kiro-cli", ".kiro", ".kiro/skills"]);
  });

  it("is a copy of the login, and nothing else, for a group it is shared with", () => {
    for (const writeBack of [false, true]) {
      expect(lines({ kind: "shared-login", writeBack }, { aws: true })).toEqual([
        "/nc/data/kiro-login/g -> /home/node/.local/share/kiro-cli rw owned",
      ]);
    }
  });

  it("is the three folders, writable, in the shared home", () => {
    expect(lines({ kind: "shared-home" })).toEqual([
      "/home/ann/.kiro -> /home/node/.kiro rw owned persons",
      "/home/ann/.aws -> /home/node/.aws rw owned persons",
      "/home/ann/.local/share/kiro-cli -> /home/node/.local/share/kiro-cli rw owned persons",
    ]);
    expect(
      mountsOf({ kind: "shared-home" })
        .points.map(({ path }) => path)
        .slice(0, 3),
    ).toEqual(["/home/ann/.kiro/agents", "/home/ann/.kiro/settings", "/home/ann/.kiro/hooks"]);
  });

  it("leaves out what is not there", () => {
    for (const kind of ["owner-login", "shared-home"] as const) {
      expect(mountsOf({ kind }, { aws: true, look: () => "missing" })).toEqual({ mounts: [], points: [], notes: [] });
    }
  });

  it("does not follow a link that somebody may have put there, and says so", () => {
    const look = (path: string) => (path.endsWith("steering") ? "link" : "folder");
    const { mounts, notes } = mountsOf({ kind: "owner-login" }, { look });
    expect(mounts.map(({ target }) => target)).not.toContain("/home/node/.kiro/steering");
    expect(notes).toEqual([expect.stringContaining("/home/ann/.kiro/steering is a link")]);
  });

  it("names each folder to put a mount upon after the one it stands in", () => {
    for (const kind of ["owner-login", "shared-home", "shared-login"] as const) {
      const mode: KiroMode = kind === "shared-login" ? { kind, writeBack: true } : { kind };
      const paths = mountsOf(mode, { aws: true }).points.map(({ path }) => path);
      for (const [index, path] of paths.entries()) {
        for (const later of paths.slice(index)) expect(path.startsWith(`${later}/`)).toBe(false);
      }
    }
  });
});

describe("HOME without a container", () => {
  it("is the person's own only for their own login and the shared home", () => {
    const homes = { personsHome: "/home/ann", groupHome: "/nc/data/kiro/g" };
    const home = (mode: KiroMode) => hostHome({ mode, ...homes });
    expect(home({ kind: "owner-login" })).toBe("/home/ann");
    expect(home({ kind: "shared-home" })).toBe("/home/ann");
    expect(home({ kind: "api-key" })).toBe("/nc/data/kiro/g");
    expect(home({ kind: "none", why: "", cure: "" })).toBe("/nc/data/kiro/g");
  });
});
