import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { copyState } from "../backup/copy-state.ts";
import { copyDatabase } from "./backup-database.ts";

const folders: string[] = [];
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-backup-"));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const make = (path: string, sql: string): void => {
  using db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; ${sql}`);
};
const OURS = "CREATE TABLE migrations (name TEXT); INSERT INTO migrations VALUES ('001-x')";

describe("copying a database", () => {
  it("takes what stands only in the write-ahead log of another connection, and nothing uncommitted", async () => {
    const folder = temporary();
    const [from, to] = [join(folder, "a.db"), join(folder, "b.db")];
    make(from, `${OURS}; CREATE TABLE t (n)`);
    using open = new DatabaseSync(from);
    open.exec("INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)");
    expect(await copyDatabase(from, to)).toEqual(["001-x"]);
    using copy = new DatabaseSync(to, { readOnly: true });
    expect(copy.prepare("SELECT n FROM t").all()).toEqual([{ n: 1 }]);
    expect(statSync(to).mode & 0o777).toBe(0o600);
  });

  it("refuses a damaged one, by name", async () => {
    const folder = temporary();
    const from = join(folder, "a.db");
    make(
      from,
      `${OURS}; CREATE TABLE t (n); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5000)
      INSERT INTO t SELECT n FROM c`,
    );
    const bytes = readFileSync(from);
    bytes.fill(0x5a, 8192, 12_288);
    writeFileSync(from, bytes);
    await expect(copyDatabase(from, join(folder, "b.db"))).rejects.toThrow(`${from} is damaged`);
  });

  it("tells a database that is not ours from one that is", async () => {
    const folder = temporary();
    make(join(folder, "a.db"), "CREATE TABLE messages (id)");
    expect(await copyDatabase(join(folder, "a.db"), join(folder, "b.db"))).toBeUndefined();
  });
});

/** As the host hands a message over: into the ledger, then marked in the link's file; again and again. */
const HAND_OVER = `
  const { DatabaseSync } = require("node:sqlite");
  const { parentPort, workerData } = require("node:worker_threads");
  const [ledger, link] = workerData.map((path) => new DatabaseSync(path, { timeout: 10_000 }));
  let stopped = false;
  parentPort.on("message", () => (stopped = true));
  let n = 0;
  const step = () => {
    if (stopped) return parentPort.close();
    for (let i = 0; i < 20; i += 1) {
      n += 1;
      ledger.prepare("INSERT INTO messages VALUES (?)").run(n);
      link.prepare("INSERT INTO inbox VALUES (?)").run(n);
    }
    if (n === 20) parentPort.postMessage("begun");
    setImmediate(step);
  };
  step();
`;

describe("copying both databases of a home at work", () => {
  it("never says of a message that it was handed over which the ledger does not have", async () => {
    const root = temporary();
    mkdirSync(join(root, "store", "auth"), { recursive: true });
    const [ledger, link] = [join(root, "store", "messages.db"), join(root, "store", "auth", "state.db")];
    make(ledger, `${OURS}; CREATE TABLE messages (n)`);
    make(link, `${OURS}; CREATE TABLE inbox (n)`);
    const worker = new Worker(HAND_OVER, { eval: true, workerData: [ledger, link] });
    const over = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise((resolve) => worker.once("message", resolve));
    for (let round = 0; round < 8; round += 1) {
      const copy = await copyState({ root }, join(root, `copy-${round}`));
      const newest = copy.databases.map(({ at }) => {
        using db = new DatabaseSync(at, { readOnly: true });
        const table = at.endsWith("state.db") ? "inbox" : "messages";
        return Number(db.prepare(`SELECT coalesce(max(n), 0) AS n FROM ${table}`).get()?.["n"]);
      });
      expect(newest).toHaveLength(2);
      expect(newest[0]).toBeLessThanOrEqual(newest[1] ?? 0);
    }
    worker.postMessage("stop");
    await over;
  });

  it("keeps the file of a message that is to be sent, though it is sent and removed meanwhile", async () => {
    const root = temporary();
    mkdirSync(join(root, "store"));
    mkdirSync(join(root, "data", "outbox", "main"), { recursive: true });
    make(join(root, "store", "messages.db"), OURS);
    writeFileSync(join(root, "data", "outbox", "main", "ID1"), "picture");
    const copying = copyState({ root }, join(root, "copy"));
    const kept = join(root, "copy", "outbox", "main", "ID1");
    while (!existsSync(kept)) await new Promise((resolve) => setImmediate(resolve));
    rmSync(join(root, "data", "outbox", "main", "ID1"));
    const { outbox } = await copying;
    expect(readFileSync(join(outbox, "main", "ID1"), "utf8")).toBe("picture");
  });
});
