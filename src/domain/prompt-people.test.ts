import { describe, expect, test } from "vitest";
import { messagePrompt } from "./prompt.ts";
import { chatAttributes, peopleLines, type ChatPeople, type Person } from "./prompt-people.ts";

const people = (list: readonly Person[], changes: Partial<ChatPeople> = {}): ChatPeople => ({
  ...{ kind: "group", account: "4915200000001", accountOf: "owner", people: list },
  ...changes,
});

describe("who is in a chat, as the agent reads it", () => {
  test("the owner comes first, then those who may ask, then guests", () => {
    const list = [
      { name: "Finn", role: "guest" },
      { name: "Tess", role: "member" },
      { name: "Olga", role: "owner" },
    ] as const;
    expect(peopleLines(people(list))).toEqual([
      '<people count="3">',
      '<person name="Olga" role="owner" />',
      '<person name="Tess" role="member" />',
      '<person name="Finn" role="guest" />',
      "</people>",
    ]);
  });

  test("of many some are named and all are counted, within a bound, whatever they call themselves", () => {
    const many = Array.from({ length: 1_000 }, (_, n): Person => ({ name: `"><&`.repeat(50) + n, role: "guest" }));
    const lines = peopleLines(people([...many, { name: "Olga", role: "owner" }]));
    expect(Buffer.byteLength(lines.join("\n"))).toBeLessThan(3_200);
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^<people count="1001" shown="\d+">$/),
      '<person name="Olga" role="owner" />',
    ]);
  });

  test("nobody is named where the owner is alone, or nobody is known", () => {
    expect(peopleLines(people([{ name: "Owner", role: "owner" }], { kind: "local", account: null }))).toEqual([]);
    expect(peopleLines(people([]))).toEqual([]);
  });

  test("the chat's line says of which kind it is, and from whose number the assistant writes", () => {
    expect(chatAttributes(people([], { kind: "local", account: null }))).toBe(' kind="local"');
    expect(chatAttributes(people([], { accountOf: "assistant" }))).toBe(
      ' kind="group" account="+4915200000001" account-of="assistant"',
    );
  });

  test("does not push the prompt over its budget", () => {
    const chat = { jid: "1@g.us", name: "Family", folder: "family", zone: "UTC" };
    const list = Array.from({ length: 60 }, (_, n): Person => ({ name: `person number ${n}`, role: "guest" }));
    const message = { senderName: "Olga", text: "word ".repeat(200), sentAt: 1, guest: false, owner: true };
    const rest = { quoteText: null, quoteClaimed: false, attachments: [], call: true };
    const messages = Array.from({ length: 50 }, () => ({ ...message, ...rest }));
    const facts = { now: 2, messages, olderCount: 0, notes: [], budget: 16_384 };
    const prompt = messagePrompt({ chat: { ...chat, people: people(list) }, ...facts });
    expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(16_384);
    expect(prompt).toContain('role="owner">word');
    expect(prompt).toContain('<people count="60" shown="50">');
  });
});
