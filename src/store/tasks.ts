import type { ScheduleType } from "@nanoclaw/agent-runner/protocol";
import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import type { MissedPolicy } from "../domain/missed.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { Task, TaskStatus } from "../domain/task.ts";
import type { Database, Row } from "./database.ts";

export interface TaskRun {
  dueAt: number;
  runAt: number | null;
  durationMs: number | null;
  status: "queued" | "success" | "error" | "skipped" | "cancelled";
  result: string | null;
  error: string | null;
}

/** How much of a result `tasks show` keeps. */
const RESULT_LENGTH = 200;

/** A list is read on a phone or by a program: neither wants a megabyte of prompts. */
const MOST_LISTED = 1_000;
const LISTED = `id, group_folder, chat_jid, substr(prompt, 1, 1000) AS prompt, schedule_type, schedule_value, zone,
  context_mode, missed, stale_after, status, next_run, last_run, last_result, created_at, created_turn`;

/** A missed run that waits, by its row in the log. */
export interface WaitingRun {
  id: number;
  task: TaskId;
  dueAt: number;
}

export type Tasks = ReturnType<typeof taskTable>;

export function taskTable(db: Database) {
  return {
    add: (task: Task): void => {
      db.run(
        `INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, zone,
           context_mode, missed, stale_after, status, next_run, created_at, created_turn)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        task.id,
        task.folder,
        task.chat,
        ...changeable(task),
        task.createdAt,
        task.createdTurn,
      );
    },

    /** What can be changed of a task; it keeps its id, its chat and its history. */
    update: (task: Task): void => {
      db.run(
        `UPDATE scheduled_tasks SET prompt = ?, schedule_type = ?, schedule_value = ?, zone = ?, context_mode = ?,
           missed = ?, stale_after = ?, status = ?, next_run = ? WHERE id = ?`,
        ...changeable(task),
        task.id,
      );
    },

    find: (id: string): Task | undefined => {
      const row = db.get("SELECT * FROM scheduled_tasks WHERE id = ?", id);
      return row && toTask(row);
    },

    /** Tasks that may still run, of one group or of all (null), next one first; of long prompts the beginning. */
    open: (folder: Folder | null, most = MOST_LISTED): Task[] =>
      db
        .all(
          `SELECT ${LISTED} FROM scheduled_tasks
           WHERE status IN ('active', 'paused') ${folder === null ? "" : "AND group_folder = ?"}
           ORDER BY next_run IS NULL, next_run, created_at, id LIMIT ?`,
          ...(folder === null ? [most] : [folder, most]),
        )
        .map(toTask),

    openCount: (folder: Folder): number =>
      Number(
        db.get(
          "SELECT count(*) AS n FROM scheduled_tasks WHERE status IN ('active', 'paused') AND group_folder = ?",
          folder,
        )?.["n"],
      ),

    all: (): Task[] => db.all("SELECT * FROM scheduled_tasks ORDER BY created_at, id").map(toTask),

    /** The last ones that were made, oldest first; of long prompts the beginning. */
    newest: (most: number): Task[] =>
      db.all(`SELECT ${LISTED} FROM scheduled_tasks ORDER BY rowid DESC LIMIT ?`, most).map(toTask).reverse(),

    madeBy: (turn: TurnId): Task[] =>
      db
        .all(
          `SELECT ${LISTED} FROM scheduled_tasks WHERE created_turn = ? ORDER BY created_at, id LIMIT ?`,
          turn,
          MOST_LISTED,
        )
        .map(toTask),

    due: (now: number, limit: number): Task[] =>
      db
        .all(
          "SELECT * FROM scheduled_tasks WHERE status = 'active' AND next_run <= ? ORDER BY next_run, id LIMIT ?",
          now,
          limit,
        )
        .map(toTask),

    crons: (): Task[] =>
      db.all("SELECT * FROM scheduled_tasks WHERE status = 'active' AND schedule_type = 'cron'").map(toTask),

    nextDue: (): number | undefined => {
      const at = db.get("SELECT min(next_run) AS at FROM scheduled_tasks WHERE status = 'active'")?.["at"];
      return at === null || at === undefined ? undefined : Number(at);
    },

    /** A run further off than its interval comes from a clock that was set back: one interval from now. */
    pullInIntervals: (now: number): void => {
      const isFar = `status = 'active' AND schedule_type = 'interval' AND next_run > ? + CAST(schedule_value AS INTEGER)`;
      // Looked up first: an update would wait for the write lock for nothing.
      if (!db.get(`SELECT 1 FROM scheduled_tasks WHERE ${isFar} LIMIT 1`, now)) return;
      db.run(`UPDATE scheduled_tasks SET next_run = ? + CAST(schedule_value AS INTEGER) WHERE ${isFar}`, now, now);
    },

    setNextRun: (id: TaskId, nextRun: number | null): void => {
      db.run("UPDATE scheduled_tasks SET next_run = ? WHERE id = ?", nextRun, id);
    },

    /** It could not be run, nor will it: the reason stands where its result would. */
    giveUp: (id: TaskId, reason: string): void => {
      db.run(
        "UPDATE scheduled_tasks SET status = 'failed', next_run = NULL, last_result = ? WHERE id = ?",
        `Error: ${reason}`,
        id,
      );
    },

    setStatus: (id: TaskId, status: TaskStatus): void => {
      db.run("UPDATE scheduled_tasks SET status = ? WHERE id = ?", status, id);
    },

    /** @returns false when it could not run again anyway. */
    cancel: (id: TaskId): boolean =>
      db.run(
        "UPDATE scheduled_tasks SET status = 'cancelled', next_run = NULL WHERE id = ? AND status IN ('active', 'paused')",
        id,
      ).changes === 1,

    endOf: (folder: Folder): void => {
      db.run(
        "UPDATE scheduled_tasks SET status = 'cancelled', next_run = NULL WHERE group_folder = ? AND status IN ('active', 'paused')",
        folder,
      );
    },

    logQueued: (id: TaskId, turn: TurnId, dueAt: number): void => {
      db.run(
        "INSERT INTO task_run_logs (task_id, turn_id, due_at, status) VALUES (?, ?, ?, 'queued')",
        id,
        turn,
        dueAt,
      );
    },

    /** A missed run that is made up for when the ones before it are over. */
    logWaiting: (id: TaskId, dueAt: number): void => {
      db.run("INSERT INTO task_run_logs (task_id, due_at, status) VALUES (?, ?, 'queued')", id, dueAt);
    },

    /** Of each task whose missed runs wait and that runs nothing now, the oldest of them. */
    waitingRuns: (limit: number): WaitingRun[] =>
      db
        .all(
          `SELECT min(l.id) AS id, l.task_id, l.due_at FROM task_run_logs l
             JOIN scheduled_tasks s ON s.id = l.task_id AND s.status = 'active'
           WHERE l.status = 'queued' AND l.turn_id IS NULL AND NOT EXISTS (
             SELECT 1 FROM turns t WHERE t.task_id = l.task_id AND t.status IN ('queued', 'running'))
           GROUP BY l.task_id LIMIT ?`,
          limit,
        )
        .map((row) => ({ id: Number(row["id"]), task: row["task_id"] as TaskId, dueAt: Number(row["due_at"]) })),

    waitingCount: (task: TaskId): number =>
      Number(
        db.get(
          "SELECT count(*) AS n FROM task_run_logs WHERE task_id = ? AND status = 'queued' AND turn_id IS NULL",
          task,
        )?.["n"],
      ),

    logBegun: (id: number, turn: TurnId): void => {
      db.run("UPDATE task_run_logs SET turn_id = ? WHERE id = ?", turn, id);
    },

    /** Runs that have not begun will not. */
    dropWaiting: (task: TaskId, reason: string): void => {
      const waits = "task_id = ? AND status = 'queued' AND turn_id IS NULL";
      // A pause keeps a one-time task; the run that is open must not end it.
      db.run(
        `UPDATE scheduled_tasks SET next_run = (SELECT max(due_at) FROM task_run_logs WHERE ${waits})
         WHERE id = ? AND status = 'paused' AND schedule_type = 'once' AND next_run IS NULL`,
        task,
        task,
      );
      db.run(
        "UPDATE task_run_logs SET status = 'cancelled', error = ? WHERE task_id = ? AND status = 'queued' AND run_at IS NULL",
        reason,
        task,
      );
    },

    /** Missed runs that wait in a group, or in one chat of it, will not begin; returns how many there were. */
    dropWaitingIn: (folder: Folder, chat: Jid | null, reason: string): number => {
      const place = "group_folder = ? AND (? IS NULL OR chat_jid = ?)";
      // Of a one-time task it was the last one. One that is open ends its task by itself.
      db.run(
        `UPDATE scheduled_tasks SET status = 'cancelled'
         WHERE status = 'active' AND schedule_type = 'once' AND next_run IS NULL AND ${place}
           AND EXISTS (SELECT 1 FROM task_run_logs l WHERE l.task_id = scheduled_tasks.id AND l.status = 'queued' AND l.turn_id IS NULL)
           AND NOT EXISTS (
             SELECT 1 FROM turns t WHERE t.task_id = scheduled_tasks.id AND t.status IN ('queued', 'running'))`,
        folder,
        chat,
        chat,
      );
      return db.run(
        `UPDATE task_run_logs SET status = 'cancelled', error = ?
         WHERE status = 'queued' AND turn_id IS NULL AND task_id IN (SELECT id FROM scheduled_tasks WHERE ${place})`,
        reason,
        folder,
        chat,
        chat,
      ).changes;
    },

    logSkipped: (id: TaskId, dueAt: number, reason: string): void => {
      db.run(
        "INSERT INTO task_run_logs (task_id, due_at, status, error) VALUES (?, ?, 'skipped', ?)",
        id,
        dueAt,
        reason,
      );
    },

    logStarted: (turn: TurnId, now: number): void => {
      db.run("UPDATE task_run_logs SET run_at = coalesce(run_at, ?) WHERE turn_id = ?", now, turn);
    },

    logEnded: (
      task: TaskId,
      turn: TurnId,
      end: { status: "success" | "error" | "skipped" | "cancelled"; result: string | null; error: string | null },
      now: number,
    ): void => {
      const result = end.result === null ? null : cutAtCharacter(end.result, RESULT_LENGTH);
      db.run(
        // What could not be sent meanwhile stands there already.
        "UPDATE task_run_logs SET status = ?, result = ?, error = coalesce(?, error), duration_ms = ? - run_at WHERE turn_id = ?",
        end.status,
        result,
        end.error,
        now,
        turn,
      );
      db.run(
        "UPDATE scheduled_tasks SET last_run = ?, last_result = ? WHERE id = ?",
        now,
        end.error === null ? result : `Error: ${end.error}`,
        task,
      );
    },

    /** A message of this run could not be sent. The first such reason stays. */
    logUnsent: (turn: TurnId, reason: string): void => {
      db.run("UPDATE task_run_logs SET error = coalesce(error, ?) WHERE turn_id = ?", reason, turn);
    },

    /** It was sent after all. */
    clearUnsent: (turn: TurnId, reason: string): void => {
      db.run("UPDATE task_run_logs SET error = NULL WHERE turn_id = ? AND error = ?", turn, reason);
    },

    runs: (id: TaskId, limit: number): TaskRun[] =>
      db.all("SELECT * FROM task_run_logs WHERE task_id = ? ORDER BY id DESC LIMIT ?", id, limit).map(toRun),
  };
}

function toTask(row: Row): Task {
  return {
    id: row["id"] as TaskId,
    folder: row["group_folder"] as Folder,
    chat: row["chat_jid"] as Jid,
    prompt: String(row["prompt"]),
    schedule: {
      type: row["schedule_type"] as ScheduleType,
      value: String(row["schedule_value"]),
      zone: String(row["zone"]),
    },
    contextMode: row["context_mode"] as Task["contextMode"],
    missed: row["missed"] as MissedPolicy,
    staleAfter: row["stale_after"] as number | null,
    status: row["status"] as TaskStatus,
    nextRun: row["next_run"] as number | null,
    lastRun: row["last_run"] as number | null,
    lastResult: row["last_result"] as string | null,
    createdAt: Number(row["created_at"]),
    createdTurn: row["created_turn"] as TurnId | null,
  };
}

function toRun(row: Row): TaskRun {
  return {
    dueAt: Number(row["due_at"]),
    runAt: row["run_at"] as number | null,
    durationMs: row["duration_ms"] as number | null,
    status: row["status"] as TaskRun["status"],
    result: row["result"] as string | null,
    error: row["error"] as string | null,
  };
}

/** Columns from `prompt` to `next_run`, in the table's order. */
const changeable = ({ prompt, schedule, contextMode, missed, staleAfter, status, nextRun }: Task) => [
  ...[prompt, schedule.type, schedule.value, schedule.zone, contextMode],
  ...[missed, staleAfter, status, nextRun],
];
