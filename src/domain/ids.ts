import { randomBytes } from "node:crypto";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A chat's canonical id: `…@g.us`, `…@s.whatsapp.net`, `local:…`. */
export type Jid = Branded<"Jid">;
/** A group's folder name, and with it the group. */
export type Folder = Branded<"Folder">;
export type TurnId = Branded<"TurnId">;
export type TaskId = Branded<"TaskId">;

/** Folders that are ours below `groups/`, `ipc/` and `data/`. */
const RESERVED = new Set(["global", "extra", "errors"]);

export const MAIN = "main" as Folder;

export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string };

export function parseFolder(text: string): Parsed<Folder> {
  if (!/^[a-z0-9][a-z0-9_-]{0,40}$/.test(text)) {
    const rule = "use 1 to 41 characters a-z, 0-9, _ or -, beginning with a letter or digit";
    return { ok: false, problem: `The folder name ${JSON.stringify(text)} cannot be used: ${rule}.` };
  }
  if (RESERVED.has(text)) {
    return { ok: false, problem: `The folder name "${text}" is reserved; choose another one.` };
  }
  return { ok: true, value: text as Folder };
}

export function parseJid(text: string): Parsed<Jid> {
  if (/^local:[a-z0-9][a-z0-9_-]{0,40}$/.test(text) || /^[0-9A-Za-z.:_-]{1,64}@[a-z.]{1,32}$/.test(text)) {
    return { ok: true, value: text as Jid };
  }
  const forms = "local:<name>, <number>@s.whatsapp.net, <number>@lid or <id>@g.us";
  return { ok: false, problem: `${JSON.stringify(text)} is no chat id; a chat id looks like ${forms}.` };
}

export const localJid = (folder: Folder): Jid => `local:${folder}` as Jid;
export const isLocal = (jid: Jid): boolean => jid.startsWith("local:");

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Random letters and digits; unbiased because bytes past the last full alphabet are dropped. */
export function randomName(length: number): string {
  let name = "";
  while (name.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 252 && name.length < length) name += ALPHABET[byte % 36];
    }
  }
  return name;
}

/** Twelve characters: part of a container's name, where it serves as the turn's lock. */
export const newTurnId = (): TurnId => randomName(12) as TurnId;
export const newTaskId = (): TaskId => `task-${randomName(8)}` as TaskId;
/** In the form that WhatsApp's own web client uses. */
export const newMessageId = (): string => `3EB0${randomBytes(9).toString("hex").toUpperCase()}`;
export const newFrameToken = (): string => randomBytes(16).toString("hex");
