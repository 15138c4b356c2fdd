import type { Attachment } from "./message.ts";
import { cutAtCharacter } from "./prompt.ts";

/** The message that was changed, as the agent saw it. */
export interface ChangedMessage {
  /** Null: who changes it wrote it. */
  writtenBy: string | null;
  text: string;
  attachments: readonly Attachment[];
}

/** How much of the old text is repeated, in UTF-16 units. */
const REPEATED = 80;

/** What the next turn is told when a message that was handed over already is edited, or withdrawn (null). */
export function changeLine(before: ChangedMessage, text: string | null): string {
  const whose = before.writtenBy === null ? "" : ` of ${before.writtenBy}`;
  return text === null ? `[deleted the message${whose} ${named(before)}]` : `[edited ${named(before)} to:] ${text}`;
}

function named(message: ChangedMessage): string {
  const text = whatWasSaid(message);
  return `"${text.length > REPEATED ? `${cutAtCharacter(text, REPEATED)} …` : text}"`;
}

/** The text, or the files of a message without one. */
export const whatWasSaid = ({ text, attachments }: Pick<ChangedMessage, "text" | "attachments">): string =>
  text.trim() === "" ? attachments.map(({ kind, name }) => `[${kind}: ${name}]`).join(" ") : text;
