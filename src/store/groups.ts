import { groupSettingsSchema, sendersSchema } from "../domain/group.ts";
import type { Group, GroupSettings, RegisteredChat } from "../domain/group.ts";
import type { Folder, Jid } from "../domain/ids.ts";
import type { Database, Row } from "./database.ts";

/** Begin keys of the settings table: what was registered once and is not now. */
const ONCE_GROUP = "once-group/";
const ONCE_CHAT = "once-chat/";

export type Groups = ReturnType<typeof groupTable>;

export function groupTable(db: Database) {
  const newestSeq = (jid: string): number =>
    Number(db.get("SELECT max(seq) AS seq FROM messages WHERE chat_jid = ?", jid)?.["seq"] ?? 0);

  const keepChats = (column: "jid" | "folder", value: string): void =>
    void db.run(
      `INSERT OR IGNORE INTO settings SELECT ? || jid, '' FROM registered_chats WHERE ${column} = ?`,
      ONCE_CHAT,
      value,
    );

  return {
    list: (): Group[] => db.all("SELECT * FROM registered_groups ORDER BY added_at, folder").map(toGroup),

    find: (folder: string): Group | undefined => {
      const row = db.get("SELECT * FROM registered_groups WHERE folder = ?", folder);
      return row && toGroup(row);
    },

    chats: (): RegisteredChat[] => db.all("SELECT * FROM registered_chats ORDER BY jid").map(toChat),

    chatsOf: (folder: Folder): RegisteredChat[] =>
      db.all("SELECT * FROM registered_chats WHERE folder = ? ORDER BY jid", folder).map(toChat),

    chat: (jid: Jid): RegisteredChat | undefined => {
      const row = db.get("SELECT * FROM registered_chats WHERE jid = ?", jid);
      return row && toChat(row);
    },

    add: (folder: Folder, name: string, settings: GroupSettings, now: number): void => {
      db.run(
        "INSERT INTO registered_groups (folder, name, added_at, settings) VALUES (?, ?, ?, ?)",
        folder,
        name,
        now,
        JSON.stringify(settings),
      );
    },

    update: (folder: Folder, name: string, settings: GroupSettings): void => {
      db.run(
        "UPDATE registered_groups SET name = ?, settings = ? WHERE folder = ?",
        name,
        JSON.stringify(settings),
        folder,
      );
    },

    /** When the group last started anew, epoch ms; 0: never. */
    freshAt: (folder: Folder): number =>
      Number(db.get("SELECT fresh_at FROM registered_groups WHERE folder = ?", folder)?.["fresh_at"] ?? 0),

    startFresh: (folder: Folder, now: number): void => {
      db.run("UPDATE registered_groups SET fresh_at = ? WHERE folder = ?", now, folder);
    },

    /** A chat registered now answers what comes from now on, not what was said before. */
    addChat: (chat: RegisteredChat): void => {
      db.run(
        `INSERT INTO registered_chats (jid, folder, name, trigger_pattern, requires_trigger, senders, answered_seq, account)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        chat.jid,
        chat.folder,
        chat.name,
        chat.trigger,
        Number(chat.requiresTrigger),
        JSON.stringify(chat.senders),
        newestSeq(chat.jid),
        chat.account,
      );
    },

    updateChat: (chat: RegisteredChat): void => {
      db.run(
        "UPDATE registered_chats SET name = ?, trigger_pattern = ?, requires_trigger = ?, senders = ? WHERE jid = ?",
        chat.name,
        chat.trigger,
        Number(chat.requiresTrigger),
        JSON.stringify(chat.senders),
        chat.jid,
      );
    },

    /** The chat is this account's from now on. */
    setAccount: (jid: Jid, account: string): void => {
      db.run("UPDATE registered_chats SET account = ? WHERE jid = ?", account, jid);
    },

    /** The chat leaves its group; what waits to be said there, and its tasks, go to another one. */
    replaceChat: (from: Jid, to: Jid): void => {
      db.run("UPDATE scheduled_tasks SET chat_jid = ? WHERE chat_jid = ?", to, from);
      db.run("UPDATE turns SET chat_jid = ? WHERE chat_jid = ? AND kind = 'task' AND status = 'queued'", to, from);
      db.run("UPDATE outbox SET chat_jid = ? WHERE chat_jid = ? AND status = 'pending'", to, from);
      keepChats("jid", from);
      db.run("DELETE FROM registered_chats WHERE jid = ?", from);
    },

    /** Takes the group out of service; its folder and what was said stay. */
    remove: (folder: Folder): void => {
      keepChats("folder", folder);
      db.run("INSERT OR IGNORE INTO settings VALUES (?, '')", `${ONCE_GROUP}${folder}`);
      db.run("DELETE FROM registered_chats WHERE folder = ?", folder);
      db.run("DELETE FROM sessions WHERE group_folder = ?", folder);
      db.run("DELETE FROM registered_groups WHERE folder = ?", folder);
    },

    /** A group of that folder was removed, or left something: what the owner set for it is lost. */
    wasGroup: (folder: string): boolean =>
      db.get("SELECT 1 FROM settings WHERE key = ?", `${ONCE_GROUP}${folder}`) !== undefined ||
      ["messages WHERE folder", "scheduled_tasks WHERE group_folder", "sessions WHERE group_folder"].some(
        (where) => db.get(`SELECT 1 FROM ${where} = ? LIMIT 1`, folder) !== undefined,
      ),

    /** The chat was registered before; what is said in others is not kept. */
    wasChat: (jid: Jid): boolean =>
      db.get("SELECT 1 FROM settings WHERE key = ?", `${ONCE_CHAT}${jid}`) !== undefined ||
      db.get("SELECT 1 FROM messages WHERE chat_jid = ? LIMIT 1", jid) !== undefined,

    /** Everything that was said in a group that is out of service, and its tasks. */
    forget: (folder: Folder): void => {
      db.transaction(() => {
        db.run("DELETE FROM messages WHERE folder = ?", folder);
        db.run("DELETE FROM outbox WHERE folder = ?", folder);
        db.run(
          "DELETE FROM task_run_logs WHERE task_id IN (SELECT id FROM scheduled_tasks WHERE group_folder = ?)",
          folder,
        );
        db.run("DELETE FROM scheduled_tasks WHERE group_folder = ?", folder);
        db.run("DELETE FROM sessions WHERE group_folder = ?", folder);
        db.run("DELETE FROM requests WHERE folder = ?", folder);
        db.run("DELETE FROM settings WHERE key = ?", `${ONCE_GROUP}${folder}`);
      });
    },

    /** Notes that a chat exists; of chats that are not registered nothing else is kept, and `at` is null. */
    seen: (jid: Jid, channel: string, at: number | null): void => {
      // Most are known already, and a write waits for the disk.
      if (at === null && db.get("SELECT 1 FROM chats WHERE jid = ?", jid)) return;
      db.run(
        `INSERT INTO chats (jid, channel, last_message_at) VALUES (?, ?, ?)
         ON CONFLICT (jid) DO UPDATE SET last_message_at = max(coalesce(last_message_at, 0), excluded.last_message_at)`,
        jid,
        channel,
        at,
      );
    },

    shownSeq: (jid: Jid): number =>
      Number(db.get("SELECT shown_seq FROM chats WHERE jid = ?", jid)?.["shown_seq"] ?? 0),

    /** A person has seen the replies of a local chat up to that outbox row. */
    markShown: (jid: Jid, seq: number): void => {
      db.run(
        `INSERT INTO chats (jid, channel, shown_seq) VALUES (?, 'local', ?)
         ON CONFLICT (jid) DO UPDATE SET shown_seq = max(shown_seq, excluded.shown_seq)`,
        jid,
        seq,
      );
    },
  };
}

function toGroup(row: Row): Group {
  return {
    folder: row["folder"] as Folder,
    name: String(row["name"]),
    addedAt: Number(row["added_at"]),
    settings: groupSettingsSchema.parse(JSON.parse(String(row["settings"]))),
  };
}

function toChat(row: Row): RegisteredChat {
  return {
    jid: row["jid"] as Jid,
    folder: row["folder"] as Folder,
    name: String(row["name"]),
    trigger: row["trigger_pattern"] as string | null,
    requiresTrigger: row["requires_trigger"] === 1,
    senders: sendersSchema.parse(JSON.parse(String(row["senders"]))),
    account: row["account"] as string | null,
  };
}
