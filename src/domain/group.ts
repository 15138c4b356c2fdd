import { z } from "zod";
import type { Folder, Jid } from "./ids.ts";
import { isZone } from "./zone.ts";

const bytes = z.int().min(1024 * 1024);
const milliseconds = z.int().min(1);

export const guestsSchema = z.enum(["shown", "hidden"]);
/** Whether the agent reads what people say who may not start turns. */
export type Guests = z.infer<typeof guestsSchema>;

/**
 * What can be set per group. Absent means: as the host is configured. Every key is stored from the
 * start; each is enforced by the part that owns it.
 */
export const groupSettingsSchema = z.strictObject({
  agent: z.enum(["kiro", "offline"]).optional(),
  model: z.string().min(1).optional(),
  zone: z.string().refine(isZone, "is no IANA time zone, like Europe/Berlin").optional(),
  timeout: milliseconds.optional(),
  silenceTimeout: milliseconds.optional(),
  idleTimeout: milliseconds.optional(),
  memory: bytes.optional(),
  cpus: z.number().positive().optional(),
  pids: z.int().min(16).optional(),
  shm: bytes.optional(),
  fileSize: bytes.optional(),
  groupSize: bytes.optional(),
  network: z.enum(["bridge", "none"]).optional(),
  mounts: z
    .array(
      z.strictObject({
        hostPath: z.string().min(1),
        containerPath: z.string().min(1),
        readonly: z.boolean().optional(),
      }),
    )
    .optional(),
  /** Names of the owner's own MCP servers that this group may use. */
  mcp: z.array(z.string().min(1)).optional(),
  shareLogin: z.boolean().optional(),
  guests: guestsSchema.optional(),
});
export type GroupSettings = z.infer<typeof groupSettingsSchema>;

/** Who may start a turn in a chat. */
export const sendersSchema = z.union([z.literal("owner"), z.literal("everyone"), z.array(z.string().min(1)).min(1)]);
export type Senders = z.infer<typeof sendersSchema>;

/** A registered unit: one folder, one memory, one agent session, one turn at a time. */
export interface Group {
  folder: Folder;
  name: string;
  addedAt: number;
  settings: GroupSettings;
}

/** A chat that belongs to a group. Several may share one folder. */
export interface RegisteredChat {
  jid: Jid;
  folder: Folder;
  name: string;
  /** What wakes the assistant; null means the default, `@<ASSISTANT_NAME>`. */
  trigger: string | null;
  requiresTrigger: boolean;
  senders: Senders;
  /** Digits of the account that it was registered for; null for a chat without an account. */
  account: string | null;
}

/** A group as it is shown. `held`: registered for another account; nothing is answered there. */
export interface GroupView extends Group {
  chats: (RegisteredChat & { held: boolean })[];
}

/** Registered for another account than the one that is linked, and not confirmed for it. */
export const isHeld = (chat: RegisteredChat, linked: string | undefined): boolean =>
  chat.account !== null && linked !== undefined && chat.account !== linked;
