import type { Jid } from "../domain/ids.ts";
import type { Database } from "./database.ts";
import { mergePerson } from "./merge-person.ts";

export type Persons = ReturnType<typeof personTable>;

/**
 * `conflict`: the LID is known to be another number's, and stays it. `waits`: a turn runs in one of
 * the two chats; the rows are given to the number at the first look after it ended.
 */
export type Learned = "known" | "merged" | "waits" | "conflict" | "not-a-pair";

/** The two ids that WhatsApp has for a person, as one. */
export function personTable(db: Database) {
  const find = (lid: string): { pn: string; merged: boolean } | undefined => {
    const row = db.get("SELECT pn, merged FROM persons WHERE lid = ?", lid);
    return row && { pn: String(row["pn"]), merged: row["merged"] === 1 };
  };

  /** Whether the number is the person's name in the ledger by now. */
  const settle = (lid: string, pn: string): boolean =>
    db.transaction(() => {
      const runs = "SELECT 1 FROM turns WHERE status = 'running' AND chat_jid IN (?, ?) LIMIT 1";
      // What runs there knows its chat by the old name, and ends under it.
      if (db.get(runs, lid, pn)) return false;
      mergePerson(db, lid, pn);
      db.run("UPDATE persons SET merged = 1 WHERE lid = ?", lid);
      return true;
    });

  /** Until the rows are the number's, those who write to the number reach the chat that there is. */
  const whileWaiting = (pn: string): string => {
    const waiting = db.all("SELECT lid FROM persons WHERE pn = ? AND merged = 0", pn).map((row) => String(row["lid"]));
    const left = waiting.filter((lid) => !settle(lid, pn));
    if (left.length === 0 || isRegistered(pn)) return pn;
    return left.find(isRegistered) ?? pn;
  };

  const isRegistered = (jid: string): boolean =>
    db.get("SELECT 1 FROM registered_chats WHERE jid = ?", jid) !== undefined;

  return {
    /** What the ledger calls this person or chat. */
    canonical: (jid: string): Jid => {
      const plain = withoutDevice(jid);
      if (plain.endsWith("@s.whatsapp.net")) return whileWaiting(plain) as Jid;
      if (!plain.endsWith("@lid")) return plain as Jid;
      const known = find(plain);
      if (!known) return plain as Jid;
      return (known.merged || settle(plain, known.pn) ? known.pn : whileWaiting(known.pn)) as Jid;
    },

    /** Both are one person's ids: whatever stands under the LID is the number's, in the same transaction. */
    learn: (lid: string, pn: string): Learned => {
      const [one, other] = [withoutDevice(lid), withoutDevice(pn)];
      if (!one.endsWith("@lid") || !other.endsWith("@s.whatsapp.net")) return "not-a-pair";
      const known = find(one);
      if (known?.merged) return known.pn === other ? "known" : "conflict";
      if (known && known.pn !== other) return "conflict";
      return db.transaction(() => {
        db.run("INSERT INTO persons VALUES (?, ?, 0) ON CONFLICT DO NOTHING", one, other);
        return settle(one, other) ? "merged" : "waits";
      });
    },
  };
}

const SERVERS: Record<string, string> = { "c.us": "s.whatsapp.net", hosted: "s.whatsapp.net", "hosted.lid": "lid" };

/** `49…:3@s.whatsapp.net` and `49…@c.us` are `49…@s.whatsapp.net`; what is no person's id stays. */
function withoutDevice(jid: string): string {
  const [, user, server = ""] = /^(\d+)(?:_\d+)?(?::\d+)?@([a-z.]+)$/.exec(jid) ?? [];
  if (user === undefined || server.endsWith("g.us")) return jid;
  return `${user}@${SERVERS[server] ?? server}`;
}
