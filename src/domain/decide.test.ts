import { describe, expect, test } from "vitest";
import { inbound, registered } from "../../test/ledger-kit.ts";
import { decideLateChange, decideMessage, explainReason, type DecisionReason, type Heard } from "./decide.ts";
import type { Guests, RegisteredChat } from "./group.ts";
import type { Decision } from "./message.ts";

const heard = (text: string, changes: Partial<Heard> = {}): Heard => ({
  ...inbound({ text }),
  ...{ hasAttachments: false, repliesToUs: false },
  ...changes,
});
const family = (changes: Partial<RegisteredChat> = {}) =>
  registered("family", { requiresTrigger: true, senders: "everyone", ...changes });
const bob = (text: string, changes: Partial<Heard> = {}) =>
  heard(text, { sender: "bob", fromOwner: false, ...changes });

type Row = [string, Heard, RegisteredChat | undefined, Decision, DecisionReason];
const table: Row[] = [
  ["a chat nobody registered", bob("@Andy hi"), undefined, "ignored", "not-registered"],
  ["an echo of our own", bob("@Andy hi", { fromAssistant: true }), family(), "ignored", "from-assistant"],
  ["nothing but blanks", bob(" \n\t "), family(), "ignored", "empty"],
  ["a file without a word", heard("", { hasAttachments: true }), registered("main"), "wakes", "main"],
  ["a file among others", bob("", { hasAttachments: true }), family(), "context", "no-trigger"],
  ["a sender who is not the owner", bob("@Andy hi"), family({ senders: "owner" }), "context", "sender-not-allowed"],
  ["a sender who is not on the list", bob("@Andy hi"), family({ senders: ["eve"] }), "context", "sender-not-allowed"],
  ["a sender on the list", bob("@Andy hi"), family({ senders: ["eve", "bob"] }), "wakes", "trigger"],
  ["the owner, whoever is on the list", heard("@Andy"), family({ senders: ["eve"] }), "wakes", "trigger"],
  ["talk among others", bob("nice goal"), family(), "context", "no-trigger"],
  ["the name in the middle", bob("I asked @Andy"), family(), "context", "no-trigger"],
  ["a real mention", bob("ask him", { mentionsUs: true }), family(), "wakes", "mention"],
  ["a reply to us", bob("and now?", { repliesToUs: true }), family(), "wakes", "reply"],
  ["a reply to somebody else", bob("and now?"), family(), "context", "no-trigger"],
  ["a reaction to us", bob("[reacted with 👍]", { aside: true, repliesToUs: true }), family(), "context", "aside"],
  ["a reaction in main", heard("[reacted with 👍]", { aside: true }), registered("main"), "context", "aside"],
  ["a guest's mention", bob("x", { mentionsUs: true }), family({ senders: "owner" }), "context", "sender-not-allowed"],
  ["a trigger of the chat's own", bob("hey bot, hi"), family({ trigger: "Hey Bot" }), "wakes", "trigger"],
  ["the default name then", bob("@Andy hi"), family({ trigger: "Hey Bot" }), "context", "no-trigger"],
  ["a chat without trigger", bob("hi"), family({ requiresTrigger: false }), "wakes", "no-trigger-needed"],
  ["the main group", heard("hi"), registered("main"), "wakes", "main"],
  ["a day and a millisecond ago", heard("hi", { sentAt: -1 }), registered("main"), "context", "too-old"],
  ["exactly a day ago", heard("hi", { sentAt: 0 }), registered("main"), "wakes", "main"],
  ["the future", heard("hi", { sentAt: 4e12 }), registered("main"), "wakes", "main"],
];
const place = (chat: RegisteredChat, guests: Guests = "shown", held = false) => ({ chat, guests, held });

describe("what becomes of a message", () => {
  const rules = { assistantName: "Andy", ageLimit: 86_400_000, now: Date.UTC(2026, 10, 22, 17, 0, 1) };

  test.each(table)("%s", (_what, message, chat, decision, reason) => {
    const now = message.sentAt <= 0 ? 86_400_000 : rules.now;
    const facts = { ...rules, now, message, place: chat && place(chat) };
    expect(decideMessage(facts)).toEqual({ decision, reason });
  });

  test.each(["José", "C++", "小助"])("an assistant called %s hears its name", (assistantName) => {
    const message = bob(`@${assistantName.toUpperCase()}, hi`);
    expect(decideMessage({ ...rules, assistantName, message, place: place(family()) }).reason).toBe("trigger");
  });

  test("hidden guests are not even context, and those who may start turns are no guests", () => {
    const owners = place(family({ senders: "owner" }), "hidden");
    const hidden = { decision: "ignored", reason: "guest-hidden" };
    expect(decideMessage({ ...rules, message: bob("@Andy hi"), place: owners })).toEqual(hidden);
    expect(decideLateChange(bob(""), owners, "edited")).toEqual(hidden);
    expect(decideMessage({ ...rules, message: heard("@Andy hi"), place: owners }).decision).toBe("wakes");
    expect(decideMessage({ ...rules, message: bob("hm"), place: place(family(), "hidden") }).reason).toBe("no-trigger");
  });

  test("a chat of another account is context until it is confirmed", () => {
    const verdict = decideMessage({ ...rules, message: heard("hi"), place: place(registered("main"), "shown", true) });
    expect(verdict).toEqual({ decision: "context", reason: "other-account" });
  });

  test.each(["edited", "deleted"] as const)("what is %s after a turn took it never wakes", (reason) => {
    const main = place(registered("main"));
    expect(decideLateChange(heard("@Andy now!"), main, reason)).toEqual({ decision: "context", reason });
    expect(decideLateChange(bob("@Andy now!"), main, reason).reason).toBe("sender-not-allowed");
  });

  test("every reason is explained in words, an unknown one as it is", () => {
    const late: DecisionReason[] = ["edited", "deleted", "withdrawn", "change-made", "duplicate"];
    const others: DecisionReason[] = ["guest-hidden", "other-account"];
    for (const reason of [...table.map((row) => row[4]), ...late, ...others]) {
      expect(explainReason(reason)).not.toBe(reason);
    }
    expect(explainReason("of-tomorrow")).toBe("of-tomorrow");
  });
});
