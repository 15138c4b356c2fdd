import type { ErrorClass } from "@nanoclaw/agent-runner/protocol";
import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import type { Database, Row } from "./database.ts";
import { LINKED_ACCOUNT } from "./settings.ts";

export type TurnStatus = "queued" | "running" | "answered" | "failed" | "interrupted" | "cancelled";
export type TurnEnd = Exclude<TurnStatus, "queued" | "running">;

export interface Turn {
  id: TurnId;
  folder: Folder;
  chat: Jid;
  kind: "message" | "task";
  taskId: TaskId | null;
  taskDueAt: number | null;
  status: TurnStatus;
  dueAt: number;
  fromSeq: number | null;
  toSeq: number | null;
  attempts: number;
  crashes: number;
  acted: boolean;
  told: boolean;
  stopReason: string | null;
  failureClass: ErrorClass | null;
  failureDetail: string | null;
  createdAt: number;
  endedAt: number | null;
}

export interface Attempt {
  turn: TurnId;
  n: number;
  runtime: string | null;
  frameToken: string;
  handle: unknown;
  startedAt: number;
  inputAt: number | null;
}

export interface NewTurn {
  id: TurnId;
  folder: Folder;
  chat: Jid;
  kind: Turn["kind"];
  taskId: TaskId | null;
  taskDueAt: number | null;
  status: "queued" | "running";
  queueSeq: number;
  dueAt: number;
  now: number;
}

/** Who waits for a slot: a queued turn, or a chat with messages and no turn yet. */
export interface Waiting {
  queueSeq: number;
  folder: Folder;
  chat: Jid;
  turn: TurnId | null;
}

export type Turns = ReturnType<typeof turnTable>;

const OPEN = "('queued', 'running')";
/** As `isHeld` in the domain has it; null is no. */
const HELD = `coalesce(c.account <> (SELECT value FROM settings WHERE key = '${LINKED_ACCOUNT}'), 0)`;

export function turnTable(db: Database) {
  const one = (sql: string, ...values: (string | number)[]): Turn | undefined => {
    const row = db.get(sql, ...values);
    return row && toTurn(row);
  };

  return {
    find: (id: string): Turn | undefined => one("SELECT * FROM turns WHERE id = ?", id),

    running: (): Turn[] => db.all("SELECT * FROM turns WHERE status = 'running' ORDER BY created_at").map(toTurn),

    queued: (): Turn[] => db.all("SELECT * FROM turns WHERE status = 'queued' ORDER BY due_at").map(toTurn),

    runningIn: (folder: string): Turn | undefined =>
      one("SELECT * FROM turns WHERE folder = ? AND status = 'running'", folder),

    openMessageTurn: (chat: Jid): Turn | undefined =>
      one(`SELECT * FROM turns WHERE chat_jid = ? AND kind = 'message' AND status IN ${OPEN}`, chat),

    openTaskTurn: (task: TaskId): Turn | undefined =>
      one(`SELECT * FROM turns WHERE task_id = ? AND status IN ${OPEN}`, task),

    /** A run that waits to begin does not begin any more. */
    endQueuedTask: (task: TaskId, now: number): void => {
      db.run("UPDATE turns SET status = 'cancelled', ended_at = ? WHERE task_id = ? AND status = 'queued'", now, task);
    },

    openIn: (folder: Folder): Turn[] =>
      db.all(`SELECT * FROM turns WHERE folder = ? AND status IN ${OPEN}`, folder).map(toTurn),

    /** The turn that took a message, or the open one that may still take it. */
    ofMessage: (chat: Jid, seq: number): Turn | undefined =>
      one(
        `SELECT * FROM turns WHERE chat_jid = ? AND kind = 'message'
           AND ((from_seq <= ? AND to_seq >= ?) OR status IN ${OPEN})
         ORDER BY coalesce(from_seq <= ? AND to_seq >= ?, 0) DESC, rowid DESC LIMIT 1`,
        chat,
        seq,
        seq,
        seq,
        seq,
      ),

    lastEnded: (chat: Jid): Turn | undefined =>
      one(
        "SELECT * FROM turns WHERE chat_jid = ? AND kind = 'message' AND ended_at IS NOT NULL ORDER BY rowid DESC LIMIT 1",
        chat,
      ),

    lastFailed: (limit: number): Turn[] =>
      db
        .all("SELECT * FROM turns WHERE status IN ('failed', 'interrupted') ORDER BY ended_at DESC LIMIT ?", limit)
        .map(toTurn),

    add: (turn: NewTurn): void => {
      db.run(
        `INSERT INTO turns (id, folder, chat_jid, kind, task_id, task_due_at, status, queue_seq, due_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        turn.id,
        turn.folder,
        turn.chat,
        turn.kind,
        turn.taskId,
        turn.taskDueAt,
        turn.status,
        turn.queueSeq,
        turn.dueAt,
        turn.now,
      );
    },

    /** Everybody whose time has come, longest waiting first. A chat of another account has to be confirmed. */
    waiting: (now: number): Waiting[] =>
      db
        .all(
          `SELECT queue_seq, folder, chat_jid, id FROM turns WHERE status = 'queued' AND due_at <= ?
             AND NOT EXISTS (SELECT 1 FROM registered_chats c WHERE c.jid = chat_jid AND ${HELD})
           UNION ALL
           SELECT w.seq, c.folder, c.jid, NULL FROM registered_chats c
             JOIN messages w ON w.seq = (
               SELECT min(m.seq) FROM messages m
               WHERE m.chat_jid = c.jid AND m.seq > c.answered_seq AND m.decision = 'wakes')
             WHERE NOT ${HELD} AND NOT EXISTS (
               SELECT 1 FROM turns t WHERE t.chat_jid = c.jid AND t.kind = 'message' AND t.status IN ${OPEN})
           ORDER BY 1, 4`,
          now,
        )
        .map((row) => ({
          queueSeq: Number(row["queue_seq"]),
          folder: row["folder"] as Folder,
          chat: row["chat_jid"] as Jid,
          turn: row["id"] as TurnId | null,
        })),

    /** When the next queued turn becomes due after `now`; undefined when none does. */
    nextDue: (now: number): number | undefined => {
      const due = db.get("SELECT min(due_at) AS due FROM turns WHERE status = 'queued' AND due_at > ?", now)?.["due"];
      return due === null || due === undefined ? undefined : Number(due);
    },

    /** Due times further off than any wait we give come from a clock that jumped: try them now. */
    pullIn: (now: number, longest: number): void => {
      db.run("UPDATE turns SET due_at = ? WHERE status = 'queued' AND due_at > ?", now, now + longest);
    },

    setRunning: (id: TurnId): void => {
      db.run("UPDATE turns SET status = 'running' WHERE id = ?", id);
    },

    makeDue: (id: TurnId, at: number): void => {
      db.run("UPDATE turns SET due_at = min(due_at, ?) WHERE id = ? AND status = 'queued'", at, id);
    },

    /** The input is about to be written: these are its messages, whatever arrives later. */
    fixRange: (id: TurnId, fromSeq: number, toSeq: number): void => {
      db.run("UPDATE turns SET from_seq = ?, to_seq = ? WHERE id = ?", fromSeq, toSeq, id);
    },

    markActed: (id: TurnId): void => {
      db.run("UPDATE turns SET acted = 1 WHERE id = ?", id);
    },

    askStop: (id: TurnId, reason: string): void => {
      db.run("UPDATE turns SET stop_reason = ? WHERE id = ?", reason, id);
    },

    requeue: (id: TurnId, dueAt: number, told: boolean): void => {
      db.run("UPDATE turns SET status = 'queued', due_at = ?, told = ? WHERE id = ?", dueAt, Number(told), id);
    },

    /** @param counts towards the turn's limit of crashes. */
    noteFailure: (id: TurnId, failureClass: ErrorClass, detail: string, counts: boolean): void => {
      db.run(
        "UPDATE turns SET failure_class = ?, failure_detail = ?, crashes = crashes + ? WHERE id = ?",
        failureClass,
        detail,
        Number(counts),
        id,
      );
    },

    end: (id: TurnId, status: TurnEnd, now: number): void => {
      db.run("UPDATE turns SET status = ?, ended_at = ? WHERE id = ?", status, now, id);
    },

    answeredSeq: (chat: Jid): number =>
      Number(db.get("SELECT answered_seq FROM registered_chats WHERE jid = ?", chat)?.["answered_seq"] ?? 0),

    moveAnswered: (chat: Jid, toSeq: number): void => {
      db.run("UPDATE registered_chats SET answered_seq = max(answered_seq, ?) WHERE jid = ?", toSeq, chat);
    },

    startAttempt: (turn: TurnId, frameToken: string, now: number): number => {
      db.run("UPDATE turns SET attempts = attempts + 1 WHERE id = ?", turn);
      const n = Number(db.get("SELECT attempts FROM turns WHERE id = ?", turn)?.["attempts"]);
      db.run(
        "INSERT INTO attempts (turn_id, n, frame_token, status, started_at) VALUES (?, ?, ?, 'open', ?)",
        turn,
        n,
        frameToken,
        now,
      );
      return n;
    },

    setHandle: (turn: TurnId, n: number, runtime: string, handle: unknown): void => {
      const stored = JSON.stringify(handle);
      db.run("UPDATE attempts SET runtime = ?, handle = ? WHERE turn_id = ? AND n = ?", runtime, stored, turn, n);
    },

    stampAttempt: (turn: TurnId, n: number, event: "ready" | "input" | "answer", now: number): void => {
      db.run(`UPDATE attempts SET ${event}_at = ? WHERE turn_id = ? AND n = ?`, now, turn, n);
    },

    endAttempt: (
      turn: TurnId,
      n: number,
      status: "answered" | "failed" | "interrupted" | "cancelled",
      failure: { class: ErrorClass; detail: string } | null,
      now: number,
    ): void => {
      db.run(
        `UPDATE attempts SET status = ?, failure_class = ?, failure_detail = ?, ended_at = ?
         WHERE turn_id = ? AND n = ?`,
        status,
        failure?.class ?? null,
        failure?.detail ?? null,
        now,
        turn,
        n,
      );
    },

    attempt: (turn: TurnId, n: number): Attempt | undefined => {
      const row = db.get("SELECT * FROM attempts WHERE turn_id = ? AND n = ?", turn, n);
      return row && toAttempt(row);
    },

    /** When the first of its attempts was given the input. */
    firstInputAt: (turn: TurnId): number | undefined => {
      const at = db.get("SELECT min(input_at) AS at FROM attempts WHERE turn_id = ?", turn)?.["at"];
      return at === null || at === undefined ? undefined : Number(at);
    },

    /** Earlier attempts of this turn that were given the input: they may have acted. */
    earlierInput: (turn: TurnId, n: number): number | undefined => {
      const at = db.get(
        "SELECT max(input_at) AS at FROM attempts WHERE turn_id = ? AND n < ? AND input_at IS NOT NULL",
        turn,
        n,
      )?.["at"];
      return at === null || at === undefined ? undefined : Number(at);
    },
  };
}

function toTurn(row: Row): Turn {
  return {
    id: row["id"] as TurnId,
    folder: row["folder"] as Folder,
    chat: row["chat_jid"] as Jid,
    kind: row["kind"] as Turn["kind"],
    taskId: row["task_id"] as TaskId | null,
    taskDueAt: row["task_due_at"] as number | null,
    status: row["status"] as TurnStatus,
    dueAt: Number(row["due_at"]),
    fromSeq: row["from_seq"] as number | null,
    toSeq: row["to_seq"] as number | null,
    attempts: Number(row["attempts"]),
    crashes: Number(row["crashes"]),
    acted: row["acted"] === 1,
    told: row["told"] === 1,
    stopReason: row["stop_reason"] as string | null,
    failureClass: row["failure_class"] as ErrorClass | null,
    failureDetail: row["failure_detail"] as string | null,
    createdAt: Number(row["created_at"]),
    endedAt: row["ended_at"] as number | null,
  };
}

function toAttempt(row: Row): Attempt {
  return {
    turn: row["turn_id"] as TurnId,
    n: Number(row["n"]),
    runtime: row["runtime"] as string | null,
    frameToken: String(row["frame_token"]),
    handle: row["handle"] === null ? null : JSON.parse(String(row["handle"])),
    startedAt: Number(row["started_at"]),
    inputAt: row["input_at"] as number | null,
  };
}
