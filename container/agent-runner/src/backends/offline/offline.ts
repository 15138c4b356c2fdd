import { DateTime } from "luxon";
import type { Answer, TurnInput } from "../../protocol/index.ts";
import type { Backend, BackendContext } from "../backend.ts";
import { addressed } from "./addressed.ts";
import { createDesk, type Situation } from "./desk.ts";
import { parsePrompt, type Message, type Prompt, type TaskRun } from "./parse-prompt.ts";
import { reminderText } from "./reminder-prompt.ts";
import { reply } from "./reply.ts";
import { sentences } from "./sentences.ts";
import { understand } from "./understand.ts";

/** An assistant by rules: reminders in plain English, no model, no network, no commands. */
export const offlineBackend: Backend = {
  async run(turn, context): Promise<Answer> {
    return { status: "ok", text: await answerText(turn, context), session: null };
  },
};

async function answerText(turn: TurnInput, context: BackendContext): Promise<string> {
  const prompt = parsePrompt(turn.prompt);
  if (!prompt) return sentences.foreignPrompt;
  const now = DateTime.fromMillis(context.now()).setZone(prompt.chat.zone);
  if (!now.isValid)
    return `I do not know this chat's time zone, “${prompt.chat.zone}”, so I cannot keep reminders here.`;
  return prompt.task ? taskAnswer(prompt.task) : messagesAnswer(prompt, turn, context, now);
}

/** Characters of a message that the rules are tried on; no reminder is that long. */
const LONGEST = 4_000;

/** How late it is, the host says. */
function taskAnswer(task: TaskRun): string {
  const text = reminderText(task.text);
  return text === undefined ? sentences.foreignTask(task.text) : `⏰ Reminder: ${text}`;
}

async function messagesAnswer(
  prompt: Prompt,
  turn: TurnInput,
  context: BackendContext,
  now: DateTime,
): Promise<string> {
  const desk = createDesk(() => context.tools(), turn.group.folder);
  const answers: string[] = [];
  for (const message of addressed(prompt.messages, turn.agent.assistantName)) {
    if (context.signal.aborted) break;
    const person = turn.group.main ? undefined : message.sender || undefined;
    const situation: Situation = { desk, now, zone: prompt.chat.zone, person, repeated: prompt.notes.length > 0 };
    if (message.text.length > LONGEST) {
      answers.push(sentences.tooLong);
      continue;
    }
    const intent = understand(message, { now, written: writtenAt(message, now) });
    answers.push(await reply(intent, message, situation));
  }
  return [...new Set(answers)].join("\n\n");
}

/** Clocks differ: a message cannot have been written after now. */
function writtenAt(message: Message, now: DateTime): DateTime {
  const time = DateTime.fromISO(message.time, { zone: now.zone });
  return time.isValid && time < now ? time : now;
}
