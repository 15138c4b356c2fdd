import type { Folder } from "../domain/ids.ts";
import type { Database } from "./database.ts";

export type Sessions = ReturnType<typeof sessionTable>;

/** The agent's conversation per group. A session of one agent means nothing to another. */
export function sessionTable(db: Database) {
  return {
    get: (folder: Folder, agent: string): string | null =>
      (db.get("SELECT session_id FROM sessions WHERE group_folder = ? AND agent = ?", folder, agent)?.["session_id"] ??
        null) as string | null,

    set: (folder: Folder, agent: string, session: string, now: number): void => {
      db.run(
        `INSERT INTO sessions VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET session_id = excluded.session_id, updated_at = excluded.updated_at`,
        folder,
        agent,
        session,
        now,
      );
    },

    /** Whose conversation this is now. */
    ownerOf: (agent: string, session: string): Folder | undefined =>
      db.get("SELECT group_folder FROM sessions WHERE agent = ? AND session_id = ?", agent, session)?.[
        "group_folder"
      ] as Folder | undefined,

    forget: (folder: Folder): void => {
      db.run("DELETE FROM sessions WHERE group_folder = ?", folder);
    },
  };
}
