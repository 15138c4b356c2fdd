import type { Jid } from "../domain/ids.ts";
import type { Database } from "./database.ts";

export type NetworkGroups = ReturnType<typeof networkGroupTable>;

/** Registered groups as their network last described them; what `facts` holds is the channel's affair. */
export function networkGroupTable(db: Database) {
  return {
    find: (jid: Jid): { subject: string; facts: unknown; updatedAt: number } | undefined => {
      const row = db.get("SELECT * FROM network_groups WHERE jid = ?", jid);
      if (!row) return undefined;
      return {
        subject: String(row["subject"]),
        facts: JSON.parse(String(row["facts"])) as unknown,
        updatedAt: Number(row["updated_at"]),
      };
    },

    save: (jid: Jid, subject: string, facts: unknown, updatedAt: number): void => {
      db.run(
        `INSERT INTO network_groups VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
           subject = excluded.subject, facts = excluded.facts, updated_at = excluded.updated_at`,
        jid,
        subject,
        JSON.stringify(facts),
        updatedAt,
      );
    },
  };
}
