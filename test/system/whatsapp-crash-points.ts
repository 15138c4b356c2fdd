/**
 * Loaded into a host by `NODE_OPTIONS=--import`: ends it with SIGKILL at a point of WhatsApp's path that
 * only its databases show, named by `CRASH_POINT`; the first `CRASH_PASSES` passes are let by.
 */
import { DatabaseSync, StatementSync } from "node:sqlite";
import { isMainThread } from "node:worker_threads";

type Moment = "before" | "after";
type Seen = (moment: Moment, sql: string, facts: { inbox: boolean; kept: boolean; keys: boolean }) => boolean;

const isCommit = (sql: string) => sql === "COMMIT";

/** What the database is asked right at the point. */
const points: Record<string, Seen> = {
  "after-ratchet": (moment, sql, { inbox }) => moment === "after" && isCommit(sql) && inbox,
  "before-ratchet": (moment, sql, { inbox }) => moment === "before" && isCommit(sql) && inbox,
  "before-done": (moment, sql) => moment === "before" && sql.startsWith("UPDATE inbox SET done_at"),
  "after-done": (moment, sql) => moment === "after" && sql.startsWith("UPDATE inbox SET done_at"),
  "after-kept": (moment, sql) => moment === "after" && sql.includes("INTO sent "),
  "after-sealed": (moment, sql, { kept, keys }) => moment === "after" && isCommit(sql) && kept && keys,
  "before-sent": (moment, sql) => moment === "before" && sql.startsWith("UPDATE outbox SET status = 'sent'"),
};

const seen = points[process.env["CRASH_POINT"] ?? ""];
let passes = Number(process.env["CRASH_PASSES"] ?? 0);
const facts = { inbox: false, kept: false, keys: false };

function look(moment: Moment, sql: string): void {
  if (!seen?.(moment, sql, facts)) return;
  passes -= 1;
  if (passes < 0) process.kill(process.pid, "SIGKILL");
}

function note(sql: string): void {
  if (sql.includes("INTO inbox ")) facts.inbox = true;
  if (sql.includes("INTO sent ")) facts.kept = true;
  if (sql.includes("INTO keys ")) facts.keys = true;
  if (isCommit(sql)) facts.inbox = facts.keys = false;
}

/** @param sqlOf the statement behind a call. */
function watch<T extends object>(
  type: { prototype: T },
  name: keyof T & string,
  sqlOf: (self: T, first: unknown) => string,
) {
  const inner = type.prototype[name] as (...args: unknown[]) => unknown;
  type.prototype[name] = function (this: T, ...args: unknown[]) {
    const sql = sqlOf(this, args[0]).trim();
    look("before", sql);
    const result = inner.apply(this, args);
    // A commit is looked at with what it committed.
    look("after", sql);
    note(sql);
    return result;
  } as T[keyof T & string];
}

if (seen && isMainThread) {
  watch(DatabaseSync, "exec", (_, sql) => String(sql));
  watch(StatementSync, "run", ({ sourceSQL }) => sourceSQL);
}
