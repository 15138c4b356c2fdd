import type { Role } from "./rights.ts";
import { cutAtCharacter, escapeXml } from "./xml-text.ts";

export type ChatKind = "direct" | "group" | "local";

/** Who is in a chat, as far as it is known. */
export interface ChatPeople {
  kind: ChatKind;
  /** The number that the assistant writes from; null for a chat without one. */
  account: string | null;
  /** On a shared number the assistant writes from the owner's own. */
  accountOf: "owner" | "assistant";
  /** All members, or those known of. */
  people: readonly Person[];
}

export interface Person {
  /** The number where no name is known. */
  name: string;
  role: Role;
}

/** More are counted, not named. */
const MOST_PEOPLE = 50;
const LONGEST_NAME = 40;
const MOST_BYTES = 3_000;

/** The end of the chat's own line. */
export const chatAttributes = ({ kind, account, accountOf }: ChatPeople): string =>
  account === null ? ` kind="${kind}"` : ` kind="${kind}" account="+${escapeXml(account)}" account-of="${accountOf}"`;

/** One element for each, the owner first; nobody need be named where the owner is alone. */
export function peopleLines({ kind, people }: ChatPeople): string[] {
  if (kind === "local" || people.length === 0) return [];
  const sorted = people.toSorted((a, b) => rank[a.role] - rank[b.role]);
  const shown: string[] = [];
  let bytes = 0;
  for (const { name, role } of sorted.slice(0, MOST_PEOPLE)) {
    const line = `<person name="${escapeXml(cutAtCharacter(name, LONGEST_NAME))}" role="${role}" />`;
    bytes += Buffer.byteLength(line);
    if (bytes > MOST_BYTES) break;
    shown.push(line);
  }
  const left = shown.length < people.length ? ` shown="${shown.length}"` : "";
  return [`<people count="${people.length}"${left}>`, ...shown, "</people>"];
}

const rank: Record<Role, number> = { owner: 0, member: 1, guest: 2 };
