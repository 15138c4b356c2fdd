import type { Senders } from "../domain/group.ts";

/** What was said on the command line. Undefined: to be asked, or the safe default. */
export interface Answers {
  /** A program reads what is said. */
  json: boolean;
  /** Whatever has a safe default takes it. */
  yes: boolean;
  /** Build the image anew although it is there. */
  rebuild: boolean;
  buildArgs: readonly string[];
  kiro: "key" | "login" | "skip" | undefined;
  /** Where the key is read from; `-` is standard input. */
  kiroKeyFile: string | undefined;
  whatsapp: "qr" | "code" | "skip" | undefined;
  /** Digits. */
  phone: string | undefined;
  ownNumber: boolean | undefined;
  /** Digits. */
  owner: string | undefined;
  /** Names or ids of WhatsApp groups. */
  groups: readonly string[];
  senders: Senders | undefined;
  trigger: string | undefined;
  triggerRequired: boolean;
  mounts: "none" | readonly MountRoot[] | undefined;
}

export interface MountRoot {
  path: string;
  allowReadWrite: boolean;
}
