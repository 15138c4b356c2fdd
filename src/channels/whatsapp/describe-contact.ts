import type { proto } from "baileys";
import { joined, line, words } from "./read-content-fields.ts";

type Contact = proto.Message.IContactMessage | null | undefined;

/** More of a card is not read. */
const LONGEST_CARD = 64 * 1024;
const MOST_NUMBERS = 20;

/** `Ann, +49 1520 0000001` */
export function describeContact(contact: Contact): string {
  const card = words(contact?.vcard)
    .slice(0, LONGEST_CARD)
    // A long line goes on in the next one, after a blank.
    .replace(/\r?\n[ \t]/g, "")
    .split(/\r?\n/);
  const name = line(contact?.displayName) || (fields(card, "FN")[0] ?? "");
  const numbers = new Set(fields(card, "TEL").slice(0, MOST_NUMBERS));
  return joined([name, ...numbers], ", ");
}

/** Values of lines such as `item1.TEL;type=CELL;waid=4915200000001:+49 1520 0000001`. */
function fields(card: readonly string[], name: string): string[] {
  const values = card.map((row) => {
    const colon = row.indexOf(":");
    const key = row.slice(0, Math.max(0, colon)).split(";", 1)[0]?.split(".").at(-1)?.trim();
    return key?.toUpperCase() === name ? line(row.slice(colon + 1)) : "";
  });
  return values.filter((value) => value !== "");
}
