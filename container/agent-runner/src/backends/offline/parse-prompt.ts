export interface ChatFacts {
  name: string;
  jid: string;
  group: string;
  zone: string;
  /** ISO 8601 with offset. */
  now: string;
}

export interface Message {
  sender: string;
  time: string;
  text: string;
  /** What the message answers, when the person quoted something. */
  replyTo: string | undefined;
}

export interface TaskRun {
  id: string;
  due: string;
  text: string;
}

export interface Prompt {
  chat: ChatFacts;
  /** Sentences of the host, for instance that an earlier attempt may have acted. */
  notes: string[];
  messages: Message[];
  task: TaskRun | undefined;
}

/**
 * The host's prompt text, taken apart. What people wrote is escaped in it, so a literal tag is
 * always the host's own. Nothing when it is no such text.
 */
export function parsePrompt(prompt: string): Prompt | undefined {
  const chat = /<chat ([^<>]*)\/>/.exec(prompt);
  if (!chat) return undefined;
  const { name = "", jid = "", group = "", zone = "UTC", now = "" } = attributes(chat[1]);
  return {
    chat: { name, jid, group, zone, now },
    notes: elements(prompt, "note").map((element) => element.text),
    messages: elements(prompt, "message").map(toMessage),
    task: elements(prompt, "task").map(toTask)[0],
  };
}

interface Element {
  attributes: Record<string, string>;
  text: string;
}

function elements(prompt: string, tag: string): Element[] {
  const pattern = new RegExp(`<${tag}(?: ([^<>]*))?>([^<>]*)(?:<attachment [^<>]*/>)*</${tag}>`, "g");
  return [...prompt.matchAll(pattern)].map((match) => ({
    attributes: attributes(match[1]),
    text: unescape(match[2] ?? "").trim(),
  }));
}

function attributes(source = ""): Record<string, string> {
  const pairs = [...source.matchAll(/([\w-]+)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, unescape(value)]));
}

function toMessage({ attributes, text }: Element): Message {
  const { sender = "", time = "" } = attributes;
  return { sender, time, text, replyTo: attributes["reply-to"] };
}

function toTask({ attributes, text }: Element): TaskRun {
  const { id = "", due = "" } = attributes;
  return { id, due, text };
}

const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };

// In one pass, so that an escaped "&lt;" that somebody typed stays what they typed.
function unescape(text: string): string {
  return text.replace(/&(?:lt|gt|quot|amp);/g, (entity) => entities[entity] ?? entity);
}
