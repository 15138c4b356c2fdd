import { expect, test } from "vitest";
import type { Reply } from "../channels/local/local-channel.ts";
import { replyText } from "./reply-text.ts";

const reply = (changes: Partial<Reply>): Reply => ({
  ...{ seq: 1, id: "x", text: "look", file: null, at: 1, source: "answer", turn: null, task: null },
  ...changes,
});
const file = { path: "/home/ann/nanoclaw/data/outbox/main/3EB0", name: "plan.pdf", mime: "application/pdf", bytes: 4 };

test.each<[string, Partial<Reply>, string]>([
  ["a text", {}, "look"],
  ["a file with its caption", { file }, `[file: ${file.path}]\nlook`],
  ["a file alone", { file, text: "" }, `[file: ${file.path}]`],
  ["an empty text", { text: "" }, ""],
  ["what would move the cursor", { text: "a\u001b[2Jb" }, "ab"],
])("%s", (_name, changes, text) => {
  expect(replyText(reply(changes))).toBe(text);
});
