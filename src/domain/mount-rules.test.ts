import { describe, expect, test } from "vitest";
import { folderOf } from "../../test/ledger-kit.ts";
import { blocker, builtInBlocked } from "./blocked-paths.ts";
import { judgeMount, mountAllowlistSchema, type MountFacts } from "./mount-rules.ts";

describe("blocked patterns", () => {
  const blockedBy = (path: string, patterns: readonly string[]) => blocker(patterns)(path);

  test("are read once, however many names they are held against", () => {
    let reads = 0;
    const counting = (pattern: string) => {
      return { split: (by: string) => [(reads += 1), pattern.split(by)][1] } as unknown as string;
    };
    const blocks = blocker(["a", "b*"].map(counting));
    for (let at = 0; at < 10_000; at += 1) expect(blocks(`name-${at}`)).toBeUndefined();
    expect(blocks("x/bc")).toBeDefined();
    expect(reads).toBe(2);
  });

  const blocked = [
    ...["/home/ann/.ssh", "/home/ann/.ssh/keys", "/home/ann/.gnupg", "/home/ann/.aws/sso", "/srv/app/.env"],
    ...["/srv/app/.env.production", "/home/ann/.config/gh", "/home/ann/.config/gcloud/x", "/home/ann/.kube"],
    ...["/home/ann/.docker", "/home/ann/.mozilla/firefox/p", "/home/ann/.config/google-chrome-beta/Default"],
    ...["/Users/ann/Library/Application Support/Google/Chrome/Default", "/Users/ann/Library/Keychains"],
    ...["/Users/ann/Library/Safari", "/home/ann/.local/share/keyrings", "/home/ann/.git-credentials", "/x/id_rsa.pub"],
    ...["/srv/tls/server.pem", "/srv/credentials", "/home/ann/.local/share/kiro-cli", "/home/ann/.config/nanoclaw"],
    ...["/home/ann/.SSH", "/home/ann/.npmrc", "/home/ann/snap/firefox/common"],
  ];
  test.each(blocked)("%s", (path) => expect(blockedBy(path, builtInBlocked)).toBeDefined());

  const free = [
    ...["/home/ann/projects/tokenizer", "/home/ann/projects/environment", "/home/ann/ssh", "/home/ann/keychains"],
    ...["/home/ann/.config/ghostty", "/home/ann/awsome", "/home/ann/dockerfiles", "/srv/pem", "/home/ann/Firefox"],
    ...["/home/ann/credentials-course", "/home/ann/config/gh", "/home/ann/.config", "/Users/ann/Library"],
  ];
  test.each(free)("not %s", (path) => expect(blockedBy(path, builtInBlocked)).toBeUndefined());

  test("a person's own match whole names, and several in a row", () => {
    expect(blockedBy("/home/ann/projects/tokenizer", ["token"])).toBeUndefined();
    expect(blockedBy("/home/ann/token/x", ["token"])).toBe("token");
    expect(blockedBy("/home/ann/my-tokens", ["*token?"])).toBe("*token?");
    expect(blockedBy("/a/work/secret/x", ["work/secret"])).toBe("work/secret");
    expect(blockedBy("/a/work/x/secret", ["work/secret"])).toBeUndefined();
    expect(blockedBy("/a/b", ["", "/", "a.c", "(", "b+"])).toBeUndefined();
  });
});

describe("a group's mount", () => {
  const home = "/home/ann";
  const source = `${home}/projects/tokenizer`;
  const judged = (changes: Partial<Omit<MountFacts, "allowlist">> & { allowlist?: object } = {}) => {
    const allowlist = mountAllowlistSchema.parse({
      allowedRoots: [{ path: "~/projects", allowReadWrite: true }],
      ...changes.allowlist,
    });
    return judgeMount({
      ...{ folder: folderOf("family"), home, roots: [`${home}/projects`], closed: [`${home}/nanoclaw`] },
      ...{ link: undefined, writable: [] },
      asked: { hostPath: "~/projects/tokenizer", containerPath: "tokenizer" },
      found: { kind: "folder", path: source, names: ["src", "README.md"] },
      ...changes,
      allowlist,
    });
  };
  const rw = { hostPath: "~/projects/tokenizer", containerPath: "tokenizer", readonly: false };
  const main = folderOf("main");

  test("is read-only unless it asks to write, its root allows it, and so do the rules for groups", () => {
    const shown = { kind: "shown", source, name: "tokenizer" };
    expect(judged()).toEqual({ ...shown, readonly: true });
    expect(judged({ asked: rw, folder: main })).toEqual({ ...shown, readonly: false });
    expect(judged({ asked: rw, allowlist: { nonMainReadOnly: false } })).toEqual({ ...shown, readonly: false });
    expect(judged({ asked: rw })).toMatchObject({ readonly: true, problem: expect.stringMatching(/nonMainReadOnly/) });
    const roots = { allowedRoots: [{ path: "~/projects", allowReadWrite: false }] };
    expect(judged({ asked: rw, folder: main, allowlist: roots })).toMatchObject({
      readonly: true,
      problem: expect.stringMatching(/allowReadWrite/),
    });
  });

  test("may name its place inside in full", () => {
    const asked = { hostPath: "~/projects/tokenizer", containerPath: "/workspace/extra/Notes 2" };
    expect(judged({ asked })).toMatchObject({ kind: "shown", name: "Notes 2" });
  });

  const folder = (path: string, names: string[] = []) => ({ found: { kind: "folder", path, names } as const });
  const refused: [string, Parameters<typeof judged>[0], RegExp][] = [
    ["what is not there", { found: { kind: "missing" } }, /nothing at that path/],
    ["a folder of too many names", { found: { kind: "too-many" } }, /more than 10000 names/],
    ["a way over a link below a root", { link: `${home}/projects/l` }, /projects\/l is a link/],
    ["what lies in a writable folder", { writable: [{ folder: main, path: `${home}/projects` }] }, /"main" may write/],
    ["a file", { found: { kind: "no-folder" } }, /no folder/],
    ["a link that leads out of the roots", folder("/srv/other"), /none of the allowlist/],
    ["a neighbour whose name begins like a root", folder(`${home}/projects2`), /none of the allowlist/],
    ["a root that is gone", { roots: [undefined] }, /none of the allowlist/],
    ["a blocked name on the real way", folder(`${home}/projects/.ssh`), /".ssh" is never shown/],
    ["a blocked name that was asked for", { asked: { ...rw, hostPath: "~/.aws/x" } }, /".aws" is never shown/],
    ["a name that the person blocked", { allowlist: { blockedPatterns: ["tokenizer"] } }, /never shown/],
    ["the whole machine", { ...folder("/"), roots: ["/"] }, /whole machine/],
    ["our own home", { ...folder(`${home}/nanoclaw/store`), roots: [home] }, /narrower/],
    ["what our own home lies in", { ...folder(home), roots: [home] }, /narrower/],
    ["a folder with secrets in it", folder(source, ["src", ".env"]), /holds \.env/],
    ["a relative path", { asked: { ...rw, hostPath: "projects" } }, /begin with/],
    ["a way out of its place", { asked: { ...rw, containerPath: "../group" } }, /no name/],
    ["a deeper place", { asked: { ...rw, containerPath: "a/b" } }, /no name/],
    ["the shared folder's place", { asked: { ...rw, containerPath: "shared" } }, /no name/],
  ];
  test.each(refused)("is refused: %s", (_name, changes, problem) => {
    expect(judged(changes)).toEqual({ kind: "refused", problem: expect.stringMatching(problem) });
  });
});
