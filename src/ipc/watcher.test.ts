import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Response } from "@nanoclaw/agent-runner/protocol";
import { folderOf } from "../../test/ledger-kit.ts";
import { systemClock } from "../clock.ts";
import { randomName } from "../domain/ids.ts";
import { silentLog } from "../domain/log.ts";
import { createWakeUp } from "../domain/wake-up.ts";
import { createIpcWatcher, type IpcWatcher } from "./watcher.ts";

describe("request files", () => {
  let root: string;
  let executed: { folder: string; id: string; content: unknown }[];
  let logged: number;
  let execute: (folder: string, id: string, content: unknown) => Response;
  let watcher: IpcWatcher;

  const groups = ["family", "main"].map(folderOf);
  const at = (...parts: string[]) => join(root, ...parts);
  const requests = (folder = "family") => at("ipc", folder, "requests");
  const responses = (folder = "family") => at("ipc", folder, "responses");
  const errors = () => readdirSync(at("errors"));

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "nanoclaw-ipc-"));
    for (const folder of groups)
      for (const path of [requests(folder), responses(folder), at("ipc", folder, "outgoing")])
        mkdirSync(path, { recursive: true });
    mkdirSync(at("errors"));
    executed = [];
    logged = 0;
    execute = () => ({ ok: true, result: "done" });
    watcher = createIpcWatcher({
      clock: systemClock,
      log: { ...silentLog, error: () => void (logged += 1) },
      folders: () => groups.map((folder) => ({ folder, path: at("ipc", folder) })),
      errorsFolder: at("errors"),
      wake: createWakeUp(),
      execute: (folder, id, content) => {
        const response = execute(folder, id, content);
        executed.push({ folder, id, content });
        return response;
      },
    });
  });
  afterEach(async () => {
    await watcher.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** As the runner does it: whole or not at all. */
  const submit = (content: string, folder = "family", id = randomName(16)): string => {
    writeFileSync(join(requests(folder), `.${id}.tmp`), content);
    renameSync(join(requests(folder), `.${id}.tmp`), join(requests(folder), `${id}.json`));
    return id;
  };
  const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 10 });
  const empty = (folder = "family") => until(() => expect(readdirSync(requests(folder))).toEqual([]));
  const responseOf = (id: string, folder = "family"): unknown =>
    JSON.parse(readFileSync(join(responses(folder), `${id}.json`), "utf8"));

  test("are executed for the folder they lie in, answered and taken away", async () => {
    watcher.start();
    const id = submit('{"folder":"main"}');
    await until(() => expect(responseOf(id)).toEqual({ ok: true, result: "done" }));
    await empty();
    expect(executed).toEqual([{ folder: "family", id, content: { folder: "main" } }]);
    expect(readdirSync(responses())).toEqual([`${id}.json`]);
  });

  test("that were there before the host are executed, oldest first", async () => {
    const ids = [3, 1, 2].map((age) => {
      const id = submit(String(age));
      utimesSync(join(requests(), `${id}.json`), age, age);
      return id;
    });
    watcher.start();
    await empty();
    expect(executed.map(({ content }) => content)).toEqual([1, 2, 3]);
    expect(new Set(executed.map(({ id }) => id))).toEqual(new Set(ids));
  });

  test("half-written ones are left alone until they are whole", async () => {
    writeFileSync(join(requests(), ".abc.tmp"), '{"half":');
    watcher.start();
    const id = submit("{}");
    await until(() => expect(existsSync(join(responses(), `${id}.json`))).toBe(true));
    await until(() => expect(readdirSync(requests())).toEqual([".abc.tmp"]));
    expect(errors()).toEqual([]);
  });

  test("with an id that was used before are executed again, and that is the ledger's affair", async () => {
    watcher.start();
    const id = submit("1");
    await empty();
    submit("2", "family", id);
    await empty();
    expect(executed.map(({ id }) => id)).toEqual([id, id]);
  });

  test("that cannot be executed now stay and are tried again", async () => {
    let locked = true;
    execute = () => {
      if (locked) throw new Error("database is locked");
      return { ok: true, result: 1 };
    };
    watcher.start();
    const id = submit("{}");
    await until(() => expect(logged).toBeGreaterThan(0));
    expect(readdirSync(requests())).toEqual([`${id}.json`]);
    locked = false;
    await until(() => expect(responseOf(id)).toEqual({ ok: true, result: 1 }));
  });

  test("a responses folder that cannot be written loses nothing, and is no reason for haste", async () => {
    rmSync(responses(), { recursive: true });
    for (let count = 0; count < 80; count += 1) submit("{}");
    const other = submit("{}", "main");
    watcher.start();
    await until(() => expect(responseOf(other, "main")).toEqual({ ok: true, result: "done" }));
    await until(() => expect(logged).toBeGreaterThan(0));
    const before = logged;
    await systemClock.sleep(300);
    expect(logged - before).toBeLessThan(5);
    mkdirSync(responses());
    await empty();
    expect(readdirSync(responses())).toHaveLength(80);
  });

  const secret = () => {
    writeFileSync(at("secret"), '{"secret":true}');
    return at("secret");
  };
  const bad: [string, (path: string) => void, RegExp][] = [
    ["a link", (path) => symlinkSync(secret(), path), /it is a link/],
    ["a link to nowhere", (path) => symlinkSync(at("nowhere"), path), /it is a link/],
    ["a hard link", (path) => linkSync(secret(), path), /second name/],
    ["a FIFO", (path) => execFileSync("mkfifo", [path]), /no regular file/],
    ["a folder", (path) => mkdirSync(join(path, "deep"), { recursive: true }), /no regular file/],
    ["no JSON", (path) => writeFileSync(path, "{half"), /it is no JSON/],
    ["nothing at all", (path) => writeFileSync(path, ""), /it is no JSON/],
    ["no text", (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0])), /it is no JSON/],
    ["larger than allowed", (path) => writeFileSync(path, `"${"x".repeat(256 * 1024)}"`), /the limit is 262144/],
    [
      "a sparse terabyte",
      (path) => {
        writeFileSync(path, "");
        truncateSync(path, 2 ** 40);
      },
      /it has 1099511627776 bytes/,
    ],
  ];
  test.each(bad)("%s is put aside with a note, answered, and nothing is followed", async (_name, make, problem) => {
    const id = randomName(16);
    make(join(requests(), `${id}.json`));
    watcher.start();
    const after = submit("{}");
    await empty();
    await until(() => expect(responseOf(id)).toMatchObject({ ok: false, error: expect.stringMatching(problem) }));
    expect(executed.map((one) => one.id)).toEqual([after]);
    const note = errors().find((name) => name.endsWith(".note")) ?? "";
    expect(note).toMatch(new RegExp(`^family-\\d+-${id}\\.json\\.note$`));
    expect(readFileSync(at("errors", note), "utf8")).toMatch(problem);
    if (existsSync(at("secret"))) expect(readFileSync(at("secret"), "utf8")).toBe('{"secret":true}');
  });

  test("a folder is put where the agent keeps its own files, as it is: nobody goes into it", async () => {
    const id = randomName(16);
    mkdirSync(join(requests(), `${id}.json`, "deep"), { recursive: true });
    watcher.start();
    await empty();
    const [kept = ""] = readdirSync(at("ipc", "family", "outgoing"));
    expect(readdirSync(at("ipc", "family", "outgoing", kept))).toEqual(["deep"]);
    expect(errors()).toEqual([expect.stringMatching(/\.note$/)]);
  });

  test.runIf(process.platform === "linux")("names that are no UTF-8 are taken away, and only once", async () => {
    for (const bytes of [[0xff], [0xc3, 0x28], [0x80, ...Buffer.from(".json")]]) {
      writeFileSync(Buffer.concat([Buffer.from(`${requests()}/`), Buffer.from(bytes)]), "");
    }
    watcher.start();
    const after = submit("{}");
    await empty();
    expect(executed.map(({ id }) => id)).toEqual([after]);
    expect(errors()).toHaveLength(3);
  });

  test("a requests folder that became a link is left alone, and so is what it leads to", async () => {
    mkdirSync(at("elsewhere"));
    writeFileSync(at("elsewhere", "mine"), "mine");
    rmSync(requests(), { recursive: true });
    symlinkSync(at("elsewhere"), requests());
    watcher.start();
    const other = submit("{}", "main");
    await until(() => expect(executed.map(({ id }) => id)).toEqual([other]));
    expect(readdirSync(at("elsewhere"))).toEqual(["mine"]);
    expect(errors()).toEqual([]);
  });

  test.each([
    ["255 bytes", "x".repeat(250) + ".json"],
    ["a newline", "a\nb.json"],
    ["capitals", "ABCDEFGHIJKLMNOP.json"],
    ["no ending", "abcdefghijklmnop"],
    ["emoji", "👋".repeat(20) + ".json"],
    ["a terminal's escape", "\u001b[2J.json"],
  ])("a name with %s is put aside under a plain one", async (_name, name) => {
    writeFileSync(join(requests(), name), "{}");
    watcher.start();
    await empty();
    await until(() => expect(errors()).not.toEqual([]));
    expect(errors().every((kept) => /^[A-Za-z0-9._-]{1,120}$/.test(kept))).toBe(true);
    expect(executed).toEqual([]);
  });

  test("a flood of 5,000 of one group does not starve another, and all are served", async () => {
    for (let count = 0; count < 5_000; count += 1) writeFileSync(join(requests(), `${randomName(16)}.json`), "{}");
    const other = submit("{}", "main");
    watcher.start();
    await until(() => expect(existsSync(join(responses("main"), `${other}.json`))).toBe(true));
    expect(executed.findIndex(({ folder }) => folder === "main")).toBeLessThan(200);
    await vi.waitFor(() => expect(executed).toHaveLength(5_001), { timeout: 60_000, interval: 50 });
    await empty();
  }, 90_000);

  test("a flood of bad ones fills no disk", async () => {
    for (let count = 0; count < 500; count += 1) writeFileSync(join(requests(), `bad-${count}`), "x".repeat(100));
    watcher.start();
    await vi.waitFor(() => expect(readdirSync(requests())).toEqual([]), { timeout: 60_000, interval: 50 });
    await watcher.stop();
    expect(errors().length).toBeLessThanOrEqual(200);
  }, 90_000);

  test("stops without losing what comes later", async () => {
    watcher.start();
    await watcher.stop();
    await watcher.stop();
    const id = submit("{}");
    expect(readdirSync(requests())).toEqual([`${id}.json`]);
  });
});
