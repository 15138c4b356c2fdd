import { DateTime } from "luxon";
import { expect, test } from "vitest";
import { promptOf, turnInput } from "../../../test/turn-input.ts";
import type { ToolOutcome } from "../backend.ts";
import { offlineBackend } from "./offline.ts";

const now = DateTime.fromISO("2026-11-22T18:00:05+01:00").toMillis();

async function answerTo(prompt: string, outcome: ToolOutcome = { ok: false, error: "no tools here" }): Promise<string> {
  const answer = await offlineBackend.run(turnInput({ prompt }), {
    tools: () => Promise.resolve({ call: () => Promise.resolve(outcome) }),
    emit: () => undefined,
    now: () => now,
    signal: new AbortController().signal,
  });
  return answer.status === "ok" ? answer.text : answer.error;
}

const taskOf = (text: string): string =>
  promptOf("").replace(/<messages[^]*/, `<task id="task-abcd1234" due="2026-11-22T18:00:00+01:00">\n${text}\n</task>`);

test("a reminder's run says the reminder and nothing else", async () => {
  expect(await answerTo(taskOf("Send this reminder: call my mum"))).toBe("⏰ Reminder: call my mum");
});

test("a task of another form gets an honest sentence", async () => {
  const answer = await answerTo(taskOf("Summarise the news"));
  expect(answer).toMatch(/cannot do: “Summarise the news”.*without a language model/);
});

test("a refusal of the host is passed on", async () => {
  const answer = await answerTo(promptOf("remind me in 5 minutes to eat"), { ok: false, error: "Too many tasks" });
  expect(answer).toBe("I could not set that reminder: Too many tasks.");
});

test("a message of another size than a reminder's is not taken apart", async () => {
  expect(await answerTo(promptOf("remind me ".repeat(1000)))).toMatch(/too long/);
});

test("a text that is no prompt of the host, and a zone that is none, are said", async () => {
  expect(await answerTo("hello")).toMatch(/could not read/);
  expect(await answerTo(promptOf("help").replace("Europe/Berlin", "Mars/North"))).toMatch(/time zone, “Mars\/North”/);
});
