import type { Attachment } from "./message.ts";
import { chatAttributes, peopleLines, type ChatPeople } from "./prompt-people.ts";
import { cutAtCharacter, escapeXml } from "./xml-text.ts";
import { humanInZone, isoInZone } from "./zone.ts";

export { cutAtCharacter, escapeXml };

export interface PromptMessage {
  senderName: string;
  text: string;
  sentAt: number;
  /** Not allowed to start turns here: the agent must not take orders from this line. */
  guest: boolean;
  /** Names are chosen by who bears them: in a group only this tells who the owner is. */
  owner?: boolean;
  quoteText: string | null;
  /** Only the sender says that this was said: it must not be taken for it. */
  quoteClaimed: boolean;
  /** With paths as the agent finds them. */
  attachments: readonly Attachment[];
  /** Wakes the assistant; the newest of these is what the turn is about. */
  call: boolean;
}

export interface PromptChat {
  jid: string;
  name: string;
  folder: string;
  zone: string;
  people?: ChatPeople;
}

export interface MessagePromptFacts {
  chat: PromptChat;
  now: number;
  /** Oldest first; already the newest ones of a long backlog. */
  messages: PromptMessage[];
  /** Waiting messages older than those given. */
  olderCount: number;
  notes: string[];
  /** UTF-8 bytes the prompt may take. */
  budget: number;
}

export interface TaskPromptFacts {
  chat: PromptChat;
  now: number;
  task: { id: string; prompt: string; dueAt: number };
  notes: string[];
}

/** Parts of the budget kept for everything around the messages. */
const FRAME_BYTES = 4096;

/**
 * The turn's messages as the agent reads them: the newest that fit the budget, oldest first, with
 * a line that says how many are left out and how to find them.
 */
export function messagePrompt(facts: MessagePromptFacts): string {
  const people = facts.chat.people ? peopleLines(facts.chat.people).join("") : "";
  const room = Math.max(1024, facts.budget - FRAME_BYTES - byteLength(facts.notes.join("")) - byteLength(people));
  const { lines, leftOut } = newestThatFit(facts.messages, facts.chat.zone, room);
  const older = facts.olderCount + leftOut;
  return [
    ...chatLines(facts.chat, facts.now),
    ...(older > 0 ? [olderLine(older)] : []),
    ...facts.notes.map(noteLine),
    `<messages zone="${escapeXml(facts.chat.zone)}">`,
    ...lines,
    "</messages>",
  ].join("\n");
}

const TASK_ANSWER =
  "Your final answer goes to the chat by itself; what you have sent with send_message is not to be repeated in it. With nothing to report, answer with nothing but <internal>why</internal>.";

export function taskPrompt({ chat, now, task, notes }: TaskPromptFacts): string {
  return [
    "[SCHEDULED TASK - started by the schedule, not by a message]",
    TASK_ANSWER,
    ...chatLines(chat, now),
    ...notes.map(noteLine),
    `<task id="${escapeXml(task.id)}" due="${isoInZone(task.dueAt, chat.zone)}">`,
    escapeXml(task.prompt),
    "</task>",
  ].join("\n");
}

export const interruptedNote = (at: number, zone: string): string =>
  `An earlier attempt at this, begun ${humanInZone(at, zone)}, was cut off and may already have done part of the work. Look before you repeat anything.`;

function newestThatFit(messages: PromptMessage[], zone: string, room: number): { lines: string[]; leftOut: number } {
  const chosen = new Map<number, string>();
  let used = 0;
  const take = (index: number, line: string): boolean => {
    const size = byteLength(line) + 1;
    if (used + size > room) return false;
    used += size;
    chosen.set(index, line);
    return true;
  };
  // What the turn is about must be seen, however much was said since; of a giant its beginning is.
  const call = messages.findLastIndex((message) => message.call);
  for (const [index, message] of messages.entries()) {
    if (index !== call) continue;
    if (!take(index, messageLine(message, zone))) take(index, cutMessageLine(message, zone, room / 2));
  }
  for (const [back, message] of messages.toReversed().entries()) {
    const index = messages.length - 1 - back;
    if (chosen.has(index) || take(index, messageLine(message, zone))) continue;
    if (chosen.size === 0) take(index, cutMessageLine(message, zone, room));
    break;
  }
  const lines = [...chosen].sort(([a], [b]) => a - b).map(([, line]) => line);
  return { lines, leftOut: messages.length - lines.length };
}

function messageLine(message: PromptMessage, zone: string): string {
  const role = message.guest ? ' role="guest"' : message.owner ? ' role="owner"' : "";
  const replyTo = message.quoteClaimed ? "reply-to-claimed" : "reply-to";
  const quote = message.quoteText === null ? "" : ` ${replyTo}="${escapeXml(cutAtCharacter(message.quoteText, 500))}"`;
  const sender = escapeXml(cutAtCharacter(message.senderName, 100));
  const files = message.attachments.map(attachmentElement).join("");
  return `<message sender="${sender}" time="${isoInZone(message.sentAt, zone)}"${role}${quote}>${escapeXml(message.text)}${files}</message>`;
}

function attachmentElement({ kind, path, mime, bytes, name, problem }: Attachment): string {
  const facts = { kind, path, type: cutAtCharacter(mime, 100), bytes, name: cutAtCharacter(name, 200), problem };
  const given = Object.entries(facts).filter(([, value]) => value !== null);
  return `<attachment ${given.map(([key, value]) => `${key}="${escapeXml(String(value))}"`).join(" ")} />`;
}

/** Escaping makes a character at most six bytes long, so a sixth of the room always fits. */
function cutMessageLine(message: PromptMessage, zone: string, room: number): string {
  const quoteText = message.quoteText === null ? null : cutAtCharacter(message.quoteText, 50);
  const lineOf = (kept: string): string => {
    const left = message.text.length - kept.length;
    const note = `[… cut here: ${left} more characters. search_messages finds the whole text.]`;
    return messageLine({ ...message, quoteText, text: `${kept}\n${note}` }, zone);
  };
  return lineOf(cutAtCharacter(message.text, Math.max(0, Math.floor((room - byteLength(lineOf("")) - 1) / 6))));
}

function chatLines(chat: PromptChat, now: number): string[] {
  const facts = `name="${escapeXml(chat.name)}" jid="${escapeXml(chat.jid)}" group="${escapeXml(chat.folder)}" zone="${escapeXml(chat.zone)}" now="${isoInZone(now, chat.zone)}"`;
  const { people } = chat;
  return people ? [`<chat ${facts}${chatAttributes(people)} />`, ...peopleLines(people)] : [`<chat ${facts} />`];
}

const olderLine = (count: number): string =>
  `<older count="${count}">${count.toLocaleString("en")} older messages that were not answered yet are not shown; search_messages finds them by their words.</older>`;

const noteLine = (note: string): string => `<note>${escapeXml(note)}</note>`;

const byteLength = (text: string): number => Buffer.byteLength(text, "utf8");
