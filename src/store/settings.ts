import type { Database } from "./database.ts";

/** Which WhatsApp account is linked now: its digits. */
export const LINKED_ACCOUNT = "whatsapp-account";

export type SettingsTable = ReturnType<typeof settingsTable>;

/** Facts that the host found out or chose once and keeps. */
export function settingsTable(db: Database) {
  return {
    get: (key: string): string | undefined => {
      const value = db.get("SELECT value FROM settings WHERE key = ?", key)?.["value"];
      return value === undefined ? undefined : String(value);
    },

    remove: (key: string): void => {
      db.run("DELETE FROM settings WHERE key = ?", key);
    },

    set: (key: string, value: string): void => {
      db.run("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", key, value);
    },
  };
}
