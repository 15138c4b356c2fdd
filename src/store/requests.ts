import { responseSchema, type Response } from "@nanoclaw/agent-runner/protocol";
import type { Folder } from "../domain/ids.ts";
import type { Database } from "./database.ts";

export type Requests = ReturnType<typeof requestTable>;

export function requestTable(db: Database) {
  return {
    /** What was answered when this request was executed; undefined when it never was. */
    response: (folder: Folder, id: string): Response | undefined => {
      const row = db.get("SELECT response FROM requests WHERE folder = ? AND id = ?", folder, id);
      return row && responseSchema.parse(JSON.parse(String(row["response"])));
    },

    record: (folder: Folder, id: string, turn: string, tool: string, response: Response, now: number): void => {
      db.run("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", folder, id, turn, tool, JSON.stringify(response), now);
    },

    forgetBefore: (time: number): void => {
      db.run("DELETE FROM requests WHERE executed_at < ?", time);
    },
  };
}
