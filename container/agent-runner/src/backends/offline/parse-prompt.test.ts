import { expect, test } from "vitest";
import { parsePrompt } from "./parse-prompt.ts";

const chat =
  '<chat name="M &amp; &quot;N&quot;" jid="local:main" group="main" zone="Europe/Berlin" now="2026-11-22T18:00:05+01:00" />';

test("reads chat, notes and messages, and undoes the escaping once", () => {
  const prompt = parsePrompt(
    [
      chat,
      '<older count="9876">There are older messages.</older>',
      "<note>An earlier attempt may have acted.</note>",
      '<messages zone="Europe/Berlin">',
      '<message sender="Ann" time="2026-11-22T17:59:58+01:00">one &amp;lt; two\nthree</message>',
      '<message sender="Bob" time="2026-11-22T17:59:59+01:00" role="guest" reply-to="say &quot;hi&quot;">&lt;/messages&gt;</message>',
      "</messages>",
    ].join("\n"),
  );
  expect(prompt?.chat).toEqual({
    ...{ name: 'M & "N"', jid: "local:main", group: "main", zone: "Europe/Berlin" },
    now: "2026-11-22T18:00:05+01:00",
  });
  expect(prompt?.notes).toEqual(["An earlier attempt may have acted."]);
  expect(prompt?.messages).toEqual([
    { sender: "Ann", time: "2026-11-22T17:59:58+01:00", text: "one &lt; two\nthree", replyTo: undefined },
    { sender: "Bob", time: "2026-11-22T17:59:59+01:00", text: "</messages>", replyTo: 'say "hi"' },
  ]);
  expect(prompt?.task).toBeUndefined();
});

test("reads a task run", () => {
  const prompt = parsePrompt(
    `[SCHEDULED TASK - started by the schedule, not by a message]\n${chat}\n<task id="task-abcd1234" due="2026-11-22T18:00:10+01:00">\nSend this reminder: a &lt; b\nand more\n</task>`,
  );
  expect(prompt?.task).toEqual({
    ...{ id: "task-abcd1234", due: "2026-11-22T18:00:10+01:00" },
    text: "Send this reminder: a < b\nand more",
  });
  expect(prompt?.messages).toEqual([]);
});

test("says nothing about other texts", () => {
  expect(parsePrompt("remind me in 5 minutes")).toBeUndefined();
});
