import { fateOfMessage, mayOutgoingGo, type Cutoffs } from "../domain/retention.ts";
import type { Database, Row } from "./database.ts";
import { neededFiles, neededFrom, pathsIn, shownIn, withoutFiles } from "./retention-needed.ts";

/** A file that a row named: `inbox/…` as the agent of that folder finds it, or a path below the home. */
export interface NamedFile {
  folder: string;
  path: string;
}

/** A part of a table was looked through. */
export interface Page {
  removed: number;
  /** What these rows name no more. */
  files: NamedFile[];
  /** Where to go on; undefined: that was the end. */
  next: number | undefined;
}

/** Looks at the rows after a number, in one short transaction. */
export type Sweep = (after: number) => Page;

export type Retention = ReturnType<typeof retentionTable>;

/** Rows that one transaction looks at, and ms after which it takes no more of them. */
const PAGE_ROWS = 500;
const PAGE_MS = 10;
/** Runs of each task that stay, however old. */
const KEPT_RUNS = 20;
/** Pages of the index that one step of tidying writes. */
const MERGE_PAGES = 32;

type Taken = Partial<Page> & { isLast?: boolean };

/** What of the ledger is too old goes, part by part. */
export function retentionTable(db: Database, stopwatch: () => number = () => performance.now()) {
  /** @param select rows after the first parameter, as many as the last one says; `n` is their number. */
  const sweep =
    (select: string, between: readonly number[], begin: () => (row: Row) => Taken): Sweep =>
    (after) =>
      db.transaction(() => {
        const [take, until] = [begin(), stopwatch() + PAGE_MS];
        const page: Page = { removed: 0, files: [], next: undefined };
        const rows = db.all(select, after, ...between, PAGE_ROWS);
        for (const row of rows) {
          const { removed = 0, files = [], isLast } = take(row);
          page.removed += removed;
          page.files.push(...files);
          if (isLast) return { ...page, next: undefined };
          page.next = Number(row["n"]);
          if (stopwatch() > until) return page;
        }
        return rows.length < PAGE_ROWS ? { ...page, next: undefined } : page;
      });
  const remove = (sql: string, key: string | number): Taken => ({ removed: db.run(sql, key).changes });

  return {
    messages: (cutoffs: Cutoffs): Sweep =>
      // The newest number of all stays: places in the line, and what is put behind it, are made from it.
      sweep(
        `SELECT seq AS n, chat_jid, folder, received_at, attachments FROM messages
         WHERE seq > ? AND seq < (SELECT max(seq) FROM messages) ORDER BY seq LIMIT ?`,
        [],
        () => messageTaker(db, cutoffs),
      ),

    replies: ({ messages: cutoff }: Cutoffs): Sweep =>
      sweep(
        `SELECT o.seq AS n, o.chat_jid, o.folder, o.file, o.status,
           max(o.created_at, coalesce(o.sent_at, 0)) AS at,
           o.status = 'failed' AND o.agent_told = 0 AND o.source <> 'notice'
             AND EXISTS (SELECT 1 FROM registered_groups g WHERE g.folder = o.folder) AS untold,
           (SELECT shown_seq FROM chats c WHERE c.jid = o.chat_jid) AS shown
         FROM outbox o WHERE o.seq > ? ORDER BY o.seq LIMIT ?`,
        [],
        () => (row) => takeReply(db, row, cutoff),
      ),

    /** Of each chat the last one that ended stays: what came of it is asked for. */
    turns: ({ runs: cutoff }: Cutoffs): Sweep =>
      sweep(
        `SELECT rowid AS n, id FROM turns t WHERE rowid > ?
           AND status NOT IN ('queued', 'running') AND ended_at < ?
           AND EXISTS (SELECT 1 FROM turns l WHERE l.chat_jid = t.chat_jid AND l.kind = t.kind
             AND l.rowid > t.rowid AND l.ended_at IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn_id = t.id AND o.status = 'pending')
         ORDER BY rowid LIMIT ?`,
        [cutoff],
        () =>
          ({ id }) => {
            db.run("DELETE FROM attempts WHERE turn_id = ?", String(id));
            return remove("DELETE FROM turns WHERE id = ?", String(id));
          },
      ),

    runs: ({ runs: cutoff }: Cutoffs): Sweep =>
      sweep(
        `SELECT id AS n FROM task_run_logs l WHERE id > ?
           AND status <> 'queued' AND coalesce(run_at + duration_ms, run_at, due_at) < ?
           AND EXISTS (SELECT 1 FROM task_run_logs k WHERE k.task_id = l.task_id AND k.id > l.id
             LIMIT 1 OFFSET ${KEPT_RUNS - 1})
         ORDER BY id LIMIT ?`,
        [cutoff],
        () =>
          ({ n }) =>
            remove("DELETE FROM task_run_logs WHERE id = ?", Number(n)),
      ),

    /** Those that are over: what they were to say was somebody's words. */
    tasks: ({ messages: cutoff }: Cutoffs): Sweep =>
      sweep(
        `SELECT rowid AS n, id FROM scheduled_tasks s WHERE rowid > ?
           AND status NOT IN ('active', 'paused') AND max(created_at, coalesce(last_run, 0)) < ?
           AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.task_id = s.id AND t.status IN ('queued', 'running'))
         ORDER BY rowid LIMIT ?`,
        [cutoff],
        () =>
          ({ id }) => {
            db.run("DELETE FROM task_run_logs WHERE task_id = ?", String(id));
            return remove("DELETE FROM scheduled_tasks WHERE id = ?", String(id));
          },
      ),

    neededFiles: (folder: string): ReadonlySet<string> => db.transaction(() => neededFiles(db, folder)),

    /** May the copy of a file that left go? Not while it still has to leave, or nobody has seen it. */
    mayCopyGo: (messageId: string): boolean => {
      const row = db.get(
        `SELECT status, seq, chat_jid, (SELECT shown_seq FROM chats WHERE jid = chat_jid) AS shown
         FROM outbox WHERE message_id = ?`,
        messageId,
      );
      return !row || (row["status"] !== "pending" && Number(row["seq"]) <= shownIn(row));
    },

    /**
     * What was deleted stands in the index of words until its parts are made anew: a step of that.
     * @returns whether there is more to do.
     */
    tidyIndex: (isFirst: boolean): boolean => {
      const before = changesOf(db);
      const pages = isFirst ? -MERGE_PAGES : MERGE_PAGES;
      db.run("INSERT INTO messages_fts(messages_fts, rank) VALUES ('merge', ?)", pages);
      return changesOf(db) - before >= 2;
    },

    /** What was deleted is in the write-ahead log no more, either. */
    emptyLog: (): void => void db.get("PRAGMA wal_checkpoint(TRUNCATE)"),
  };
}

const changesOf = (db: Database): number => Number(db.get("SELECT total_changes() AS n")?.["n"]);

function messageTaker(db: Database, cutoffs: Cutoffs): (row: Row) => Taken {
  const needed = neededFrom(db);
  return (row) => {
    const receivedAt = Number(row["received_at"]);
    // Those after it are younger still, unless it came while the clock was ahead.
    if (receivedAt >= Math.max(cutoffs.media, cutoffs.messages)) return { isLast: receivedAt <= cutoffs.now };
    const [seq, chat, folder] = [Number(row["n"]), String(row["chat_jid"]), String(row["folder"])];
    const paths = pathsIn(row);
    const fate = fateOfMessage({ seq, receivedAt, hasFiles: paths.length > 0 }, needed(chat), cutoffs);
    if (fate === "stays") return {};
    if (fate === "goes") db.run("DELETE FROM messages WHERE seq = ?", seq);
    else db.run("UPDATE messages SET attachments = ? WHERE seq = ?", withoutFiles(row), seq);
    return { removed: Number(fate === "goes"), files: paths.map((path) => ({ folder, path })) };
  };
}

function takeReply(db: Database, row: Row, cutoff: number): Taken {
  const [seq, at, folder] = [Number(row["n"]), Number(row["at"]), String(row["folder"])];
  const status = row["status"] as "pending" | "sent" | "failed";
  if (!mayOutgoingGo({ seq, status, at, untold: row["untold"] === 1 }, shownIn(row), cutoff)) return {};
  db.run("DELETE FROM outbox WHERE seq = ?", seq);
  const file = row["file"] === null ? [] : [JSON.parse(String(row["file"])) as { path: string }];
  return { removed: 1, files: file.map(({ path }) => ({ folder, path })) };
}
