import { DateTime } from "luxon";
import { expect } from "vitest";
import { offlineBackend } from "../../container/agent-runner/src/backends/offline/offline.ts";
import { toolResults, turnInputSchema } from "../../container/agent-runner/src/protocol/index.ts";
import type { Dialogue, Step } from "./parse-dialogues.ts";
import type { FiredTask, ToolHost, ToolHostFactory } from "./tool-host.ts";

type Turn = Extract<Step, { kind: "turn" }>;

interface Stage {
  dialogue: Dialogue;
  host: ToolHost;
  clock: { now: number };
  /** What the person saw last. */
  said: string;
}

/** Plays a dialogue from its first line to its last; fails where something else happens. */
export async function play(dialogue: Dialogue, createHost: ToolHostFactory): Promise<void> {
  const { chat, history } = dialogue;
  const clock = { now: DateTime.fromISO(dialogue.clock, { zone: chat.zone }).toMillis() };
  const host = createHost({ chat, history, now: () => clock.now });
  const stage: Stage = { dialogue, host, clock, said: "" };
  for (const step of dialogue.steps) await playStep(step, stage);
}

async function playStep(step: Step, stage: Stage): Promise<void> {
  const { clock, dialogue } = stage;
  switch (step.kind) {
    case "turn":
      stage.said = await run(stage, "message", messagePrompt(step, stage));
      return;
    case "clock":
      return passTo(DateTime.fromISO(step.time, { zone: dialogue.chat.zone }).toMillis(), stage);
    case "pass":
      return passTo(clock.now + step.seconds * 1000, stage);
    case "says":
      return step.wanted ? expect(stage.said).toMatch(step.pattern) : expect(stage.said).not.toMatch(step.pattern);
    case "tasks":
      return expect(await taskLines(stage)).toEqual(step.tasks);
    default:
      return step satisfies never;
  }
}

async function passTo(toMs: number, stage: Stage): Promise<void> {
  const fired = await stage.host.advance(toMs);
  stage.clock.now = toMs;
  const answers: string[] = [];
  for (const task of fired) answers.push(await run(stage, "task", taskPrompt(task, stage)));
  stage.said = answers.join("\n");
}

async function run({ dialogue, host, clock }: Stage, kind: "message" | "task", prompt: string): Promise<string> {
  const { name, jid, folder, zone } = dialogue.chat;
  const turn = turnInputSchema.parse({
    ...{ protocol: 1, turn: "abcdefghijkl", attempt: 1, kind, prompt, session: null, secrets: {}, oneShot: true },
    group: { folder, name, main: folder === "main" },
    chat: { jid, name, zone },
    agent: { backend: "offline", assistantName: "Andy", name: null, model: null },
    limits: { outputBytes: 65_536 },
    now: 0,
    frameToken: "0123456789abcdef",
  });
  const answer = await offlineBackend.run(turn, {
    tools: () => Promise.resolve(host.tools),
    emit: () => undefined,
    now: () => clock.now,
    signal: new AbortController().signal,
  });
  if (answer.status === "error") throw new Error(answer.error);
  return answer.text;
}

/** Type, value, zone and what the reminder says, next one first. */
async function taskLines({ host }: Stage): Promise<string[]> {
  const outcome = await host.tools.call("list_tasks", {});
  if (!outcome.ok) throw new Error(outcome.error);
  return toolResults.list_tasks.parse(outcome.result).tasks.map(({ schedule_type, schedule_value, zone, prompt }) => {
    const text = prompt.replace(/^Send this reminder: /, "").replaceAll("\n", "\\n");
    return `${schedule_type} ${schedule_value} ${zone} "${text}"`;
  });
}

function chatTag({ dialogue, clock }: Stage): string {
  const { name, jid, folder, zone } = dialogue.chat;
  const now = DateTime.fromMillis(clock.now, { zone }).toISO({ suppressMilliseconds: true });
  return `<chat name="${escape(name)}" jid="${jid}" group="${folder}" zone="${zone}" now="${now}" />`;
}

function messagePrompt({ messages, sent, note }: Turn, stage: Stage): string {
  const { zone } = stage.dialogue.chat;
  const written = sent ? DateTime.fromISO(sent, { zone }) : DateTime.fromMillis(stage.clock.now - 2000, { zone });
  const time = written.toISO({ suppressMilliseconds: true });
  const tags = messages.map(({ sender, text, replyTo }) => {
    const quote = replyTo ? ` reply-to="${escape(replyTo)}"` : "";
    return `<message sender="${sender}" time="${time}"${quote}>${escape(text)}</message>`;
  });
  const noteTag = note ? [`<note>${escape(note)}</note>`] : [];
  return [chatTag(stage), ...noteTag, `<messages zone="${zone}">`, ...tags, "</messages>"].join("\n");
}

function taskPrompt({ id, due, prompt }: FiredTask, stage: Stage): string {
  const head = "[SCHEDULED TASK - started by the schedule, not by a message]";
  return [head, chatTag(stage), `<task id="${id}" due="${due}">`, escape(prompt), "</task>"].join("\n");
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
