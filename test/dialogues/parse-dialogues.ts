export interface Said {
  sender: string;
  text: string;
  replyTo?: string;
}

export interface DialogueChat {
  name: string;
  jid: string;
  folder: string;
  zone: string;
}

export interface OldMessage {
  time: string;
  sender: string;
  text: string;
}

export type Step =
  /** `cutOff`: the first attempt gets the messages and dies; a second one answers. */
  | { kind: "turn"; messages: Said[]; sent?: string; cutOff: boolean }
  | { kind: "clock"; time: string }
  | { kind: "pass"; seconds: number }
  | { kind: "says"; pattern: RegExp; wanted: boolean }
  | { kind: "tasks"; tasks: string[] };

export interface Dialogue {
  title: string;
  chat: DialogueChat;
  clock: string;
  history: OldMessage[];
  steps: Step[];
}

/** The dialogues of a file; its head explains the notation. */
export function parseDialogues(markdown: string): Dialogue[] {
  const [, ...sections] = markdown.split(/^## /m);
  return sections.map(parseDialogue);
}

function parseDialogue(section: string): Dialogue {
  const [title = "", ...lines] = section.split("\n");
  const facts = lines.filter((line) => /^(?:chat|clock|history): /.test(line));
  const fact = (name: string): string =>
    facts.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
  const steps: Step[] = [];
  for (const line of lines.filter((line) => line.trim() !== "" && !facts.includes(line))) addLine(line, steps);
  return { title, chat: parseChat(fact("chat")), clock: fact("clock"), history: parseHistory(facts), steps };
}

function parseChat(line: string): DialogueChat {
  const [name = "", folder = "", zone = ""] = line.split(", ");
  return { name, folder, zone, jid: `local:${folder}` };
}

function parseHistory(facts: string[]): OldMessage[] {
  const entries = facts.map((line) => /^history: (\S+) (\w+): (.*)$/.exec(line)).filter((entry) => entry !== null);
  return entries.map(([, time = "", sender = "", text = ""]) => ({ time, sender, text }));
}

function addLine(line: string, steps: Step[]): void {
  const message = /^> (?:\[(\w+)\] )?(?:«(.*)» )?(.*)$/.exec(line);
  if (message) return addMessage(message, steps);
  const [, name = "", value = ""] = /^- ([a-z ]+?)(?:: (.*))?$/.exec(line) ?? /^- (after) (.*)$/.exec(line) ?? [];
  switch (name) {
    case "sent":
      return void steps.push({ kind: "turn", messages: [], sent: value, cutOff: false });
    case "cut off":
      return void steps.push({ kind: "turn", messages: [], cutOff: true });
    case "says":
    case "says not":
      return void steps.push({ kind: "says", pattern: toRegExp(value), wanted: name === "says" });
    case "no tasks":
      return void steps.push({ kind: "tasks", tasks: [] });
    case "task":
      return addTask(value, steps);
    case "at":
      return void steps.push({ kind: "clock", time: value });
    case "after":
      return addPassage(value, steps);
    default:
      throw new Error(`not understood: ${line}`);
  }
}

// Lines of a message that follow each other, and what was said of them before, are one turn.
function addMessage([, sender = "Ann", replyTo, text = ""]: RegExpExecArray, steps: Step[]): void {
  const message: Said = { sender, text: text.replaceAll("\\n", "\n"), ...(replyTo && { replyTo }) };
  const last = steps.at(-1);
  if (last?.kind === "turn") last.messages.push(message);
  else steps.push({ kind: "turn", messages: [message], cutOff: false });
}

function addTask(task: string, steps: Step[]): void {
  const last = steps.at(-1);
  if (last?.kind === "tasks") last.tasks.push(task);
  else steps.push({ kind: "tasks", tasks: [task] });
}

function addPassage(value: string, steps: Step[]): void {
  const [, count = "", unit = "", rest = ""] = /^(\d+) (s|min|h|days)(?:: (.*))?$/.exec(value) ?? [];
  const sizes: Record<string, number> = { s: 1, min: 60, h: 3600, days: 86_400 };
  steps.push({ kind: "pass", seconds: Number(count) * (sizes[unit] ?? NaN) });
  if (rest) steps.push({ kind: "says", pattern: toRegExp(rest), wanted: true });
}

function toRegExp(value: string): RegExp {
  const [, source, flags] = /^\/(.*)\/(\w*)$/.exec(value) ?? [];
  if (source === undefined) throw new Error(`not a pattern: ${value}`);
  return new RegExp(source, flags);
}
