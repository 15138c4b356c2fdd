import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderOf } from "../test/ledger-kit.ts";
import { exchangeFolders, homePaths, keepPrivate, makeGroupFolders, makeHome } from "./home.ts";
import { StoreError } from "./store/database.ts";

describe("the folders of a home", () => {
  let root = "";
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-home-")));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test("lie below it, and are this user's alone where it matters", () => {
    const home = homePaths(root);
    makeHome(home);
    makeHome(home);
    expect(home.database).toBe(join(root, "store", "messages.db"));
    expect(statSync(home.store).mode & 0o777).toBe(0o700);
    expect(statSync(home.ipcErrors).isDirectory()).toBe(true);
  });

  test("a group has its exchange folders, and no other group's", () => {
    const paths = homePaths(root).group(folderOf("family"));
    makeGroupFolders(paths);
    for (const name of exchangeFolders) expect(statSync(join(paths.ipc, name)).isDirectory()).toBe(true);
    const shared = [paths.global, paths.extra];
    const own = Object.values({ ...paths }).filter((path) => !shared.includes(path));
    expect(own.filter((path) => !path.endsWith("/family"))).toEqual([]);
  });

  test("a folder that others could enter is closed", () => {
    const open = join(root, "open");
    mkdirSync(open, { mode: 0o777 });
    keepPrivate(open);
    expect(lstatSync(open).mode & 0o077).toBe(0);
  });

  test("a link in the place of the socket's folder is refused", () => {
    symlinkSync(root, join(root, "link"));
    expect(() => keepPrivate(join(root, "link"))).toThrow(StoreError);
  });

  test.skipIf(process.getuid?.() !== 0)("root makes nothing in a home where another user's host works", () => {
    const home = homePaths(root);
    mkdirSync(home.store);
    chownSync(home.store, 65_534, 65_534);
    expect(() => makeHome(home)).toThrow(/another user's \(number 65534\).*without sudo/);
    expect([existsSync(home.ipc), existsSync(home.logs)]).toEqual([false, false]);
  });

  test.skipIf(process.getuid?.() !== 0)("a host that is root works in a folder of another user's", () => {
    const home = homePaths(root);
    chownSync(root, 65_534, 65_534);
    makeHome(home);
    makeHome(home);
    expect(existsSync(home.logs)).toBe(true);
  });

  test("a file where a folder must be is a clear error that names it", () => {
    writeFileSync(join(root, "store"), "");
    expect(() => makeHome(homePaths(root))).toThrow(/store cannot be made: EEXIST.*Check the disk/);
  });

  test("a socket path that is too long is a short one elsewhere, different for every home", () => {
    const [one, two] = ["a", "b"].map((name) => homePaths(join(root, name.repeat(100))).socket) as [string, string];
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(103);
    expect(one).not.toBe(two);
    expect(dirname(one)).not.toBe(dirname(two));
    expect(homePaths(join(root, "x")).socket).toBe(join(root, "x", "store", "nanoclaw.sock"));
  });
});
