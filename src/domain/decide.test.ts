import { describe, expect, test } from "vitest";
import { inbound, registered } from "../../test/ledger-kit.ts";
import { decideMessage, explainReason, type DecisionReason } from "./decide.ts";
import type { RegisteredChat } from "./group.ts";
import type { Decision, InboundMessage } from "./message.ts";

const family = (changes: Partial<RegisteredChat> = {}) =>
  registered("family", { requiresTrigger: true, senders: "everyone", ...changes });
const bob = (text: string, changes: Partial<InboundMessage> = {}) =>
  inbound({ text, sender: "bob", fromOwner: false, ...changes });
const quote = (ours: boolean) => ({ quote: { id: "1", text: "x", ours } });

type Row = [string, InboundMessage, RegisteredChat | undefined, Decision, DecisionReason];
const table: Row[] = [
  ["a chat nobody registered", bob("@Andy hi"), undefined, "ignored", "not-registered"],
  ["an echo of our own", bob("@Andy hi", { fromAssistant: true }), family(), "ignored", "from-assistant"],
  ["nothing but blanks", bob(" \n\t "), family(), "ignored", "empty"],
  ["a sender who is not the owner", bob("@Andy hi"), family({ senders: "owner" }), "context", "sender-not-allowed"],
  ["a sender who is not on the list", bob("@Andy hi"), family({ senders: ["eve"] }), "context", "sender-not-allowed"],
  ["a sender on the list", bob("@Andy hi"), family({ senders: ["eve", "bob"] }), "wakes", "trigger"],
  ["the owner, whoever is on the list", inbound({ text: "@Andy" }), family({ senders: ["eve"] }), "wakes", "trigger"],
  ["talk among others", bob("nice goal"), family(), "context", "no-trigger"],
  ["the name in the middle", bob("I asked @Andy"), family(), "context", "no-trigger"],
  ["a real mention", bob("ask him", { mentionsUs: true }), family(), "wakes", "mention"],
  ["a reply to us", bob("and now?", quote(true)), family(), "wakes", "reply"],
  ["a reply to somebody else", bob("and now?", quote(false)), family(), "context", "no-trigger"],
  ["a trigger of the chat's own", bob("hey bot, hi"), family({ trigger: "Hey Bot" }), "wakes", "trigger"],
  ["the default name then", bob("@Andy hi"), family({ trigger: "Hey Bot" }), "context", "no-trigger"],
  ["a chat without trigger", bob("hi"), family({ requiresTrigger: false }), "wakes", "no-trigger-needed"],
  ["the main group", inbound({ text: "hi" }), registered("main"), "wakes", "main"],
  ["a day and a millisecond ago", inbound({ text: "hi", sentAt: -1 }), registered("main"), "context", "too-old"],
  ["exactly a day ago", inbound({ text: "hi", sentAt: 0 }), registered("main"), "wakes", "main"],
  ["the future", inbound({ text: "hi", sentAt: 4e12 }), registered("main"), "wakes", "main"],
];

describe("what becomes of a message", () => {
  test.each(table)("%s", (_what, message, chat, decision, reason) => {
    const facts = { message, chat, assistantName: "Andy", ageLimit: 86_400_000 };
    const now = message.sentAt <= 0 ? 86_400_000 : Date.UTC(2026, 10, 22, 17, 0, 1);
    expect(decideMessage({ ...facts, now })).toEqual({ decision, reason });
  });

  test("every reason is explained in words, an unknown one as it is", () => {
    for (const [, , , , reason] of table) expect(explainReason(reason)).not.toBe(reason);
    expect(explainReason("of-tomorrow")).toBe("of-tomorrow");
  });
});
