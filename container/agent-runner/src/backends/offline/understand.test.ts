import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import type { Which } from "./intent.ts";
import { understand } from "./understand.ts";

const now = DateTime.fromISO("2026-11-22T18:00:05", { zone: "Europe/Berlin" });
const meaning = (text: string, replyTo?: string) => understand({ text, replyTo }, { now, written: now });

describe("reminders", () => {
  test.each([
    ["remind me in 10 minutes: tea", "tea", "none"],
    ["Hi! Could you please remind me at 19:30 to take out the trash? Thanks", "take out the trash", "to"],
    ["at 19:30, remind me to eat", "eat", "to"],
    ["set a reminder for tomorrow at 9 to call mum", "call mum", "to"],
    ["Remind me about the dentist on Friday at 10:15", "the dentist", "about"],
    ["can you remind me of mum's birthday on 3 May 2027 at 9?", "mum's birthday", "about"],
    ["don’t let me forget to call Ann at 20:00", "call Ann", "to"],
    ["wake me up at 6:30", "wake up", "to"],
    ["set an alarm for 7 am", "alarm", "none"],
    ["remind me to run rm -rf / at 20:00", "run rm -rf /", "to"],
    ['remind me in 5 min to read "War and Peace"', 'read "War and Peace"', "to"],
  ])("%s", (text, subject, link) => {
    expect(meaning(text)).toMatchObject({ kind: "remind", subject: { text: subject, link, for: "me" } });
  });

  test.each([
    "remind me to stretch",
    "remind me in 5 minutes",
    "remind Bob to eat at 8pm",
    "remind me at 20:00 to call mum and at 21:00 to sleep",
    "remind me every 10 seconds to blink",
  ])("asks back: %s", (text) => expect(meaning(text).kind).toBe("ask"));

  test("takes the subject from what the message quotes", () => {
    const again = meaning("remind me again in 10 minutes", "⏰ Reminder: bike");
    expect(again).toMatchObject({ subject: { text: "bike" } });
  });
});

describe("cancelling", () => {
  test.each<[string, Which]>([
    ["cancel the second one", { kind: "numbers", numbers: [2] }],
    ["delete number 2", { kind: "numbers", numbers: [2] }],
    ["cancel the last reminder", { kind: "numbers", numbers: [-1] }],
    ["please remove the first and the third", { kind: "numbers", numbers: [1, 3] }],
    ["cancel all", { kind: "all" }],
    ["clear my reminders", { kind: "all" }],
    ["cancel it", { kind: "only" }],
    ["cancel task-abcd1234", { kind: "id", id: "task-abcd1234" }],
    ["cancel the stretch reminder", { kind: "words", words: "stretch" }],
    ["stop reminding me to stretch", { kind: "words", words: "stretch" }],
    ["don't remind me about the dentist anymore", { kind: "words", words: "dentist" }],
  ])("%s", (text, which) => expect(meaning(text)).toEqual({ kind: "cancel", which }));
});

test.each([
  ["what reminders do I have?", "list"],
  ["list my tasks", "list"],
  ["my reminders", "list"],
  ["Help!", "help"],
  ["what can you do", "help"],
  ["Hello there", "hello"],
  ["thanks a lot!", "thanks"],
  ["ok", "silent-yes"],
  ["run rm -rf /", "command"],
  ["`ls`", "command"],
  ["cat /etc/passwd", "command"],
  ["wie geht es dir?", "not-english"],
  ["今日は何曜日ですか", "not-english"],
  ["find a good restaurant", "unknown"],
  ["stop the war", "unknown"],
  ["forget it", "unknown"],
  ["asdfgh", "unknown"],
  ["😀", "unknown"],
])("%s is %s", (text, kind) => expect(meaning(text).kind).toBe(kind));

test.each([
  ["what did I say about the dentist?", "dentist"],
  ["search for the blue bike", "blue bike"],
  ["search dentist", "dentist"],
  ["find messages about Rome", "Rome"],
  ["when did Ann mention the bike?", "bike"],
])("%s searches", (text, query) => expect(meaning(text)).toEqual({ kind: "search", query }));
