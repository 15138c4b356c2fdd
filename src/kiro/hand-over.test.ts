import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import { closedTo, handOverFolder, handOverLogin } from "./hand-over.ts";

const isRoot = process.getuid?.() === 0;
const other = { uid: 234_567, gid: 234_567 };

const ownersIn = (folder: string): Record<string, number> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, lstatSync(join(folder, name)).uid]));

describe.runIf(isRoot)("a login in the hands of a host that is root", () => {
  it("goes to the user inside, file by file, and nothing else does", () => {
    const data = temporary();
    const victim = join(temporary(), "victim");
    for (const name of ["data.sqlite3", "data.sqlite3-wal", "other"]) writeFileSync(join(data, name), "");
    writeFileSync(victim, "");
    symlinkSync(victim, join(data, "data.sqlite3-shm"));
    execFileSync("mkfifo", [join(data, "data.sqlite3-journal")]);
    chownSync(data, 0, 0);
    handOverLogin(data, other);
    expect(ownersIn(data)).toEqual({
      "data.sqlite3": other.uid,
      "data.sqlite3-wal": other.uid,
      "data.sqlite3-shm": 0,
      "data.sqlite3-journal": 0,
      other: 0,
    });
    expect(statSync(victim).uid).toBe(0);
    handOverLogin(join(data, "not-there"), other);
  });
});

describe.runIf(isRoot)("a folder in the hands of a host that is root", () => {
  it("goes to the user inside with all that is in it, but for what is excepted", () => {
    const folder = temporary();
    mkdirSync(join(folder, "sessions", "cli"), { recursive: true, mode: 0o700 });
    mkdirSync(join(folder, "hooks"));
    for (const path of ["sessions/cli/a.json", "hooks/on-start", "history"]) writeFileSync(join(folder, path), "");
    handOverFolder(folder, other, ["hooks"]);
    expect(statSync(folder).uid).toBe(other.uid);
    expect(ownersIn(folder)).toEqual({ sessions: other.uid, history: other.uid, hooks: 0 });
    expect(ownersIn(join(folder, "hooks"))).toEqual({ "on-start": 0 });
    expect(ownersIn(join(folder, "sessions"))).toEqual({ cli: other.uid });
    expect(ownersIn(join(folder, "sessions", "cli"))).toEqual({ "a.json": other.uid });
  });

  it("takes nothing along that a link or a second name leads to", () => {
    const [folder, outside] = [temporary(), temporary()];
    writeFileSync(join(outside, "victim"), "");
    symlinkSync(outside, join(folder, "sessions"));
    symlinkSync(join(outside, "victim"), join(folder, "link"));
    linkSync(join(outside, "victim"), join(folder, "second-name"));
    handOverFolder(folder, other);
    handOverFolder(join(folder, "sessions"), other);
    handOverFolder(join(folder, "not-there"), other);
    expect([statSync(outside).uid, statSync(join(outside, "victim")).uid]).toEqual([0, 0]);
  });
});

describe("what the user inside cannot read", () => {
  it("is named, wherever it is", () => {
    const folder = temporary();
    mkdirSync(join(folder, "sso", "cache"), { recursive: true });
    const secret = join(folder, "sso", "cache", "token.json");
    writeFileSync(secret, "");
    chmodSync(folder, 0o755);
    expect(closedTo(other, folder)).toBeUndefined();
    chmodSync(secret, 0o600);
    expect(closedTo(other, folder)).toBe(secret);
    expect(closedTo(statSync(secret), folder)).toBeUndefined();
    chmodSync(folder, 0o700);
    expect(closedTo(other, folder)).toBe(folder);
    expect(closedTo(other, join(folder, "not-there"))).toBeUndefined();
  });
});
