import type { WAMessage } from "baileys";
import { describe, expect, test } from "vitest";
import type { Jid } from "../../domain/ids.ts";
import type { Content } from "./read-content.ts";
import { translate, type TranslateFacts, type Translated } from "./translate.ts";

const OWN = "491510000001@s.whatsapp.net" as Jid;
const FINN = "491510000002@s.whatsapp.net" as Jid;
const GROUP = "12036300000000001@g.us" as Jid;
const numbers = new Map([
  ["1001@lid", OWN],
  ["1002@lid", FINN],
]);

const said = (text = "hello", changes: Partial<Extract<Content, { kind: "message" }>> = {}): Content => ({
  ...{ kind: "message", text, quote: null, mentions: [], media: null },
  ...changes,
});

function translated(key: WAMessage["key"], content: Content, changes: Partial<TranslateFacts> = {}): Translated {
  return translate({
    stanza: { key: { id: "id", ...key }, messageTimestamp: 1_700_000_000, pushName: "Finn" },
    content,
    ledger: {
      canonical: (jid) => numbers.get(jid) ?? (jid as Jid),
      isOurs: (id) => id.startsWith("ours"),
      isOwner: (person) => person === FINN,
      group: () => ({
        ...{ jid: GROUP, subject: "", member: true, announceOnly: false, admin: false, updatedAt: 1 },
        members: [{ id: FINN, admin: true }],
      }),
    },
    account: { pn: OWN, lid: "1001@lid" },
    ...{ ownNumber: false, away: null, storedAt: 5 },
    ...changes,
  });
}

describe("who said it, and where", () => {
  test("a person is called by the number, whichever id the stanza names", () => {
    expect(translated({ remoteJid: "1002@lid" }, said())).toMatchObject({
      message: { chat: FINN, sender: FINN, senderName: "Finn", sentAt: 1_700_000_000_000, fromOwner: false },
    });
    expect(translated({ remoteJid: GROUP, participant: "1002@lid" }, said())).toMatchObject({
      message: { chat: GROUP, sender: FINN },
    });
    expect(translated({ remoteJid: "1003@lid" }, said())).toMatchObject({ message: { sender: "1003@lid" } });
  });

  test("on a shared number, whoever holds the phone is the owner", () => {
    const mine = translated({ remoteJid: FINN, fromMe: true }, said());
    expect(mine).toMatchObject({ message: { chat: FINN, sender: OWN, fromOwner: true, fromAssistant: false } });
  });

  test("with an own number the owner is another person, and that phone is the assistant's", () => {
    const facts = { ownNumber: true };
    expect(translated({ remoteJid: FINN }, said(), facts)).toMatchObject({ message: { fromOwner: true } });
    expect(translated({ remoteJid: FINN, fromMe: true }, said(), facts)).toMatchObject({
      message: { fromOwner: false, fromAssistant: true },
    });
  });

  test("a time that makes no sense is the time when it came", () => {
    const stanza = { key: { id: "id", remoteJid: FINN }, messageTimestamp: NaN };
    expect(translated({}, said(), { stanza })).toMatchObject({ message: { sentAt: 5 } });
  });

  test.each(["status@broadcast", "123@broadcast", "123@newsletter"])("%s is nobody's chat", (remoteJid) => {
    expect(translated({ remoteJid }, said())).toMatchObject({ kind: "nothing" });
  });

  test("what this machine sent is not heard again", () => {
    expect(translated({ remoteJid: FINN, fromMe: true, id: "ours-1" }, said()).kind).toBe("nothing");
    expect(translated({ remoteJid: FINN, id: "ours-1" }, said()).kind).toBe("message");
  });
});

describe("a mention", () => {
  const content = said("@1001 hello", { mentions: ["1001@lid"] });
  test.each([
    [true, true],
    [false, false],
  ])("with an own number: %s, calls the assistant: %s", (ownNumber, mentionsUs) => {
    expect(translated({ remoteJid: GROUP, participant: FINN }, content, { ownNumber })).toMatchObject({
      message: { mentionsUs },
    });
  });
});

describe("a quote", () => {
  test("names its author as the ledger does", () => {
    const quote = { id: "q", participant: "1001@lid", text: "claimed" };
    expect(translated({ remoteJid: FINN }, said("yes", { quote }))).toMatchObject({
      message: { quote: { id: "q", sender: OWN, text: "claimed" } },
    });
  });
});

describe("a reaction", () => {
  const reaction = (id: string, emoji = "👍"): Content => ({
    ...{ kind: "reaction", emoji },
    target: { id, fromMe: false, participant: undefined, remoteJid: undefined },
  });
  test("to what we said is an aside about it", () => {
    expect(translated({ remoteJid: FINN }, reaction("ours-1"))).toMatchObject({
      message: { aside: true, text: "[reacted with 👍]", quote: { id: "ours-1" } },
    });
    expect(translated({ remoteJid: FINN }, reaction("ours-1", ""))).toMatchObject({
      message: { text: "[took back a reaction]" },
    });
  });
  test("to anybody else is nothing", () => {
    expect(translated({ remoteJid: FINN }, reaction("theirs")).kind).toBe("nothing");
  });
});

describe("a change", () => {
  const target = { id: "t", fromMe: true, participant: "1001@lid", remoteJid: OWN };
  test("is its sender's, whatever it claims of the message", () => {
    expect(translated({ remoteJid: FINN }, { kind: "edit", target, text: "new" })).toMatchObject({
      change: { chat: FINN, sender: FINN, target: "t", text: "new", byAdmin: false },
    });
  });
  test.each([
    ["1002@lid", true],
    ["1003@lid", false],
  ])("in a group by %s is by an admin: %s", (participant, byAdmin) => {
    expect(translated({ remoteJid: GROUP, participant }, { kind: "revoke", target })).toMatchObject({
      change: { text: null, byAdmin },
    });
  });
});
