import { cutAtCharacter, escapeXml } from "./prompt.ts";
import { isoInZone } from "./zone.ts";

export interface RecapLine {
  /** Null: the assistant said it. */
  sender: string | null;
  text: string;
  at: number;
  /** Not allowed to start turns: no orders come from this line. */
  guest: boolean;
}

/** Longest text of one line in UTF-16 units: many short memories are worth more than a long one. */
const LONGEST_LINE = 700;

/**
 * What was said before, for an agent whose own memory of it is gone: the newest lines that fit,
 * oldest first. Null when there is nothing.
 * @param budget UTF-8 bytes.
 */
export function recapText(lines: readonly RecapLine[], zone: string, budget: number): string | null {
  const sorted = lines.toSorted((a, b) => a.at - b.at).map((line) => recapLine(line, zone));
  const kept: string[] = [];
  let used = 0;
  for (const line of sorted.toReversed()) {
    used += Buffer.byteLength(line, "utf8") + 1;
    if (used > budget) break;
    kept.unshift(line);
  }
  return kept.length === 0 ? null : kept.join("\n");
}

function recapLine({ sender, text, at, guest }: RecapLine, zone: string): string {
  const who = sender === null ? 'role="assistant"' : `sender="${escapeXml(cutAtCharacter(sender, 100))}"`;
  const role = guest ? ' role="guest"' : "";
  const cut = text.length > LONGEST_LINE ? `${cutAtCharacter(text, LONGEST_LINE)} […]` : text;
  return `<said ${who}${role} time="${isoInZone(at, zone)}">${escapeXml(cut)}</said>`;
}
