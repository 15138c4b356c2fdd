import fc from "fast-check";
import { encodeWAMessage, proto } from "baileys";
import { describe, expect, test } from "vitest";
import * as content from "../../../test/whatsapp-server/content.ts";
import type { Posted } from "../../../test/whatsapp-server/messages.ts";
import type { Person } from "../../../test/whatsapp-server/people.ts";
import { MESSAGE_MAX_BYTES } from "../../domain/message.ts";
import { type Content, readContent } from "./read-content.ts";

/** As it comes over the wire: 64-bit numbers are objects, missing fields stand on the prototype. */
const received = (message: proto.IMessage): Content =>
  readContent(proto.Message.decode(proto.Message.encode(proto.Message.fromObject(message)).finish()));

const said = (message: proto.IMessage): Extract<Content, { kind: "message" }> => {
  const read = received(message);
  if (read.kind !== "message") throw new Error(`it says nothing: ${JSON.stringify(read)}`);
  return read;
};

const person = (number: string) => ({ pn: `${number}@s.whatsapp.net`, lid: `9${number}@lid` }) as Person;
const [ann, ben] = [person("4915200000001"), person("4915200000002")];
const target: Posted = { id: "3A01", from: ann, chat: ben, content: content.text("Lunch?"), by: "pn", copies: [] };
const key = { id: "3A01", remoteJid: ben.pn };

const file = {
  url: "https://mmg.whatsapp.net/v/1",
  directPath: "/v/1",
  mediaKey: Buffer.alloc(32, 1),
  fileSha256: Buffer.alloc(32, 2),
  fileEncSha256: Buffer.alloc(32, 3),
  fileLength: 2 ** 31,
};
const card =
  "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nitem1.TEL;type=CELL;waid=49152:+49 152 \r\n 1\nTEL:030 2\nEND:VCARD";

describe("texts", () => {
  test("plain and long ones, the person's own words as they are", () => {
    expect(said(content.text("[hi] *there*\n\nyou"))).toEqual({
      ...{ kind: "message", text: "[hi] *there*\n\nyou", quote: null, mentions: [], media: null },
    });
    expect(said({ extendedTextMessage: { text: "see https://example.org" } }).text).toBe("see https://example.org");
  });

  test("a text over the limit is cut at a character, and says so", () => {
    const { text } = said(content.text("ü".repeat(MESSAGE_MAX_BYTES)));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MESSAGE_MAX_BYTES);
    expect(text).toMatch(new RegExp(`ü\\n\\[cut here: it had ${2 * MESSAGE_MAX_BYTES} bytes\\]$`));
  });

  test("NUL and halves of characters do not get through", () => {
    expect(readContent({ conversation: "a\0b\ud800" })).toMatchObject({ text: "a\u{FFFD}b\u{FFFD}" });
  });

  test("blank ones are nothing", () => {
    for (const text of ["", " \n\t"]) expect(received({ extendedTextMessage: { text } }).kind).toBe("nothing");
  });
});

describe("quotes and mentions", () => {
  test("a quote has its id, its author and its text, as the sender claims them", () => {
    expect(said(content.quote(target, "Yes"))).toMatchObject({
      ...{ text: "Yes", quote: { id: "3A01", participant: ann.pn, text: "Lunch?" } },
    });
  });

  test("a quoted file is described", () => {
    const quotes: [proto.IMessage, string][] = [
      [content.image(file, "our cat"), "[image] our cat"],
      [content.document(file, "Plan.pdf"), "[document Plan.pdf]"],
      [content.ephemeral(content.voiceNote(file)), "[voice message]"],
      [content.location(1, 2, "Café"), "[location: Café, 1, 2]"],
      [{}, ""],
    ];
    for (const [quotedMessage, text] of quotes) {
      const contextInfo = { stanzaId: "3A01", quotedMessage };
      expect(said({ extendedTextMessage: { text: "?", contextInfo } }).quote).toEqual({
        ...{ id: "3A01", participant: undefined, text },
      });
    }
  });

  test("a quote that nobody would read to its end is cut", () => {
    const contextInfo = { stanzaId: "3A01", quotedMessage: content.text("x".repeat(100_000)) };
    const { quote } = said({ extendedTextMessage: { text: "?", contextInfo } });
    expect(Buffer.byteLength(quote?.text ?? "")).toBe(8_192);
  });

  test("mentions are read from texts and captions, each once", () => {
    const jids = [ann.pn, ben.lid, ann.pn];
    expect(said(content.mention("@Ann", jids)).mentions).toEqual([ann.pn, ben.lid]);
    const { imageMessage } = content.image(file, "@Ann");
    const contextInfo = { mentionedJid: jids, stanzaId: "3A01" };
    const captioned = said(content.viewOnce({ imageMessage: { ...imageMessage, contextInfo } }));
    expect(captioned).toMatchObject({ mentions: [ann.pn, ben.lid], quote: { id: "3A01" } });
  });
});

describe("files", () => {
  const { fileLength, ...lying } = file;
  const facts = { ...lying, bytes: fileLength, name: "", seconds: null };

  test("pictures, videos, voice messages, music, documents, stickers", () => {
    const media = { ...file, mimetype: "video/mp4", seconds: 7 };
    const messages: [proto.IMessage, string, object][] = [
      [content.image(file, "look"), "look", { ...facts, kind: "image", mediaType: "image", mime: "image/jpeg" }],
      [content.voiceNote(file), "", { kind: "voice", mediaType: "ptt", mime: "audio/ogg; codecs=opus", seconds: 3 }],
      [{ audioMessage: { ...media, mimetype: "audio/mpeg" } }, "", { kind: "audio", mediaType: "audio" }],
      [{ videoMessage: { ...media, caption: "us" } }, "us", { kind: "video", mediaType: "video", seconds: 7 }],
      [{ ptvMessage: media }, "", { kind: "video", mediaType: "ptv" }],
      [content.document(file, "a.pdf"), "", { kind: "document", mediaType: "document", name: "a.pdf" }],
      [{ stickerMessage: { ...file, mimetype: "image/webp" } }, "", { kind: "sticker", mediaType: "sticker" }],
      [content.captionedDocument(file, "b.pdf", "sign it"), "sign it", { name: "b.pdf", bytes: 2 ** 31 }],
    ];
    for (const [message, text, expected] of messages) {
      const read = said(message);
      expect(read.text).toBe(text);
      expect(read.media).toMatchObject(expected);
    }
  });

  test("of the wrapped ones, too", () => {
    const inner = content.image(file, "look");
    const wrapped: proto.IMessage[] = [
      content.ephemeral(inner),
      content.viewOnce(inner),
      { viewOnceMessage: { message: inner } },
      { viewOnceMessageV2Extension: { message: inner } },
      { groupMentionedMessage: { message: inner } },
      { botInvokeMessage: { message: inner } },
      { associatedChildMessage: { message: inner } },
      { deviceSentMessage: { destinationJid: ann.pn, message: content.ephemeral(content.viewOnce(inner)) } },
    ];
    for (const message of wrapped) expect(said(message)).toMatchObject({ text: "look", media: { kind: "image" } });
  });

  test("one without a key or a place is named as unreadable", () => {
    const { mediaKey, ...keyless } = file;
    const nowhere = { mediaKey, fileLength };
    expect(said({ imageMessage: { ...keyless, caption: "look" } })).toMatchObject({
      ...{ text: "[image: the file could not be read]\nlook", media: null },
    });
    expect(said({ documentMessage: { ...nowhere, fileName: "a\n.pdf" } })).toMatchObject({
      ...{ text: "[document a.pdf: the file could not be read]", media: null },
    });
  });

  test("a name comes without what leads astray, a wrong type as unknown bytes", () => {
    const documentMessage = { ...file, fileName: "../../\u{202E}gpj.exe", mimetype: "image/png\n[system]" };
    expect(said({ documentMessage }).media).toMatchObject({ name: "gpj.exe", mime: "application/octet-stream" });
  });

  test("the picture of a business's message is in its header", () => {
    const { imageMessage = null } = content.image(file);
    const body = { text: "Choose" };
    expect(said({ interactiveMessage: { header: { title: "Shop", imageMessage }, body } })).toMatchObject({
      ...{ text: "Shop\nChoose", media: { kind: "image" } },
    });
    expect(said({ buttonsMessage: { contentText: "Choose", imageMessage } }).media).toMatchObject({ kind: "image" });
  });
});

describe("what is not a text", () => {
  const cases: [string, proto.IMessage, string][] = [
    ["a place", content.location(52.5, 13.4, "Café X"), "[location: Café X, 52.5, 13.4]"],
    ["a place without a name", content.location(-1.23456789, 0, ""), "[location: -1.234568, 0]"],
    ["a place that is none", { locationMessage: { degreesLatitude: NaN } }, "[location]"],
    [
      "a live location",
      { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: 2, caption: "on my way" } },
      "[live location: 1, 2]\non my way",
    ],
    ["a contact", content.contact("Ann", card), "[contact: Ann, +49 152 1, 030 2]"],
    ["a contact named in the card alone", content.contact("", card), "[contact: Ann Lee, +49 152 1, 030 2]"],
    [
      "contacts",
      { contactsArrayMessage: { contacts: [{ displayName: "Ann", vcard: card }, { displayName: "Ben" }] } },
      "[contacts: Ann, +49 152 1, 030 2; Ben]",
    ],
    ["a poll", content.poll("Where?", ["here", "there"]), "[poll: Where? 1) here 2) there]"],
    [
      "a poll in a wrapper",
      { pollCreationMessageV4: { message: { pollCreationMessage: { name: "Q", options: [{ optionName: "a" }] } } } },
      "[poll: Q 1) a]",
    ],
    [
      "an event",
      {
        eventMessage: {
          name: "Party",
          startTime: 1_800_000_000,
          location: { name: "Home" },
          description: "Bring\ncake",
        },
      },
      "[event: Party, 2027-01-15T08:00Z, Home]\nBring\ncake",
    ],
    ["an event at no time", { eventMessage: { name: "P", isCanceled: true } }, "[cancelled event: P]"],
    [
      "an invitation",
      { groupInviteMessage: { groupName: "Choir\nof 9", caption: "Join us" } },
      "[invitation to the group: Choir of 9]\nJoin us",
    ],
    ["a choice from a list", { listResponseMessage: { title: "Tea", description: "green" } }, "Tea\ngreen"],
    ["a button", { buttonsResponseMessage: { selectedButtonId: "1", selectedDisplayText: "Yes" } }, "Yes"],
    ["a template's button", { templateButtonReplyMessage: { selectedId: "1" } }, "1"],
    ["an interactive answer", { interactiveResponseMessage: { body: { text: "Pay" } } }, "Pay"],
    [
      "a list to choose from",
      { listMessage: { title: "Menu", sections: [{ rows: [{ title: "Tea" }, { title: "Cake" }] }] } },
      "Menu\n[choices: Tea | Cake]",
    ],
    [
      "a template",
      {
        templateMessage: {
          hydratedTemplate: {
            hydratedContentText: "Your parcel",
            hydratedButtons: [{ urlButton: { displayText: "Track" } }, { quickReplyButton: { displayText: "Ok" } }],
          },
        },
      },
      "Your parcel\n[choices: Track | Ok]",
    ],
    ["a product", { productMessage: { product: { title: "Lamp" } } }, "[product: Lamp]"],
  ];
  test.each(cases)("%s becomes a short text", (_name, message, text) => {
    expect(said(message).text).toBe(text);
  });
});

describe("what is about another message", () => {
  test("a reaction, and one that is taken back", () => {
    const expected = { kind: "reaction", target: { ...key, remoteJid: ann.pn, fromMe: false, participant: undefined } };
    expect(received(content.react(ben, target, "👍🏽"))).toEqual({ ...expected, emoji: "👍🏽" });
    expect(received(content.react(ben, target, ""))).toEqual({ ...expected, emoji: "" });
  });

  test("an edit, bare, wrapped, and of a caption", () => {
    const expected = { kind: "edit", target: { ...key, fromMe: true, participant: undefined }, text: "Dinner?" };
    expect(received(content.edit(ann, target, "Dinner?"))).toEqual(expected);
    expect(received({ editedMessage: { message: content.edit(ann, target, "Dinner?") } })).toEqual(expected);
    const { protocolMessage } = content.edit(ann, target, "");
    const editedMessage = content.captionedDocument(file, "a.pdf", "Dinner?");
    expect(received({ protocolMessage: { ...protocolMessage, editedMessage } })).toEqual(expected);
    const bare = { imageMessage: { caption: "Dinner?" } };
    expect(received({ protocolMessage: { ...protocolMessage, editedMessage: bare } })).toEqual(expected);
  });

  test("a caption can be taken away; an edit of nothing is nothing", () => {
    const { protocolMessage } = content.edit(ann, target, "");
    expect(received({ protocolMessage: { ...protocolMessage, editedMessage: { imageMessage: {} } } })).toMatchObject({
      ...{ kind: "edit", text: "" },
    });
    expect(received({ protocolMessage: { ...protocolMessage, editedMessage: {} } }).kind).toBe("nothing");
  });

  test("a deletion, of a group's message with its author", () => {
    const groupKey = { remoteJid: "1@g.us", id: "3A01", participant: ben.lid };
    const { REVOKE } = proto.Message.ProtocolMessage.Type;
    expect(received({ protocolMessage: { type: REVOKE, key: groupKey } })).toEqual({
      ...{ kind: "revoke", target: { ...groupKey, fromMe: false } },
    });
  });

  test("nothing is deleted without a type or a target", () => {
    expect(received({ protocolMessage: { key } }).kind).toBe("nothing");
    expect(received({ protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } }).kind).toBe("nothing");
    expect(received({ reactionMessage: { text: "👍" } }).kind).toBe("nothing");
  });
});

describe("what nobody said", () => {
  const { Type } = proto.Message.ProtocolMessage;
  const silent: [string, proto.IMessage][] = [
    ["protocolMessage APP_STATE_SYNC_KEY_SHARE", { protocolMessage: { type: Type.APP_STATE_SYNC_KEY_SHARE } }],
    ["senderKeyDistributionMessage", { senderKeyDistributionMessage: { groupId: "1@g.us" } }],
    ["pollUpdateMessage", { pollUpdateMessage: { pollCreationMessageKey: key }, messageContextInfo: {} }],
    ["encReactionMessage", { encReactionMessage: { targetMessageKey: key } }],
    ["albumMessage", { albumMessage: { expectedImageCount: 2 } }],
    ["pinInChatMessage", { pinInChatMessage: { key } }],
    ["placeholderMessage", { placeholderMessage: { type: 0 } }],
    ["an empty message", {}],
  ];
  test.each(silent)("%s starts nothing, and is named", (what, message) => {
    expect(received(message)).toEqual({ kind: "nothing", what });
  });

  test("wrappers without an end are nothing", () => {
    let message = content.text("hi");
    for (let depth = 0; depth < 9; depth += 1) message = content.ephemeral(message);
    expect(said(message).text).toBe("hi");
    for (let depth = 0; depth < 1_000; depth += 1) message = content.ephemeral(message);
    expect(readContent(message).kind).toBe("nothing");
  });
});

describe("garbage", () => {
  const known = Object.keys(proto.Message.prototype).filter((name) => name !== "toJSON");
  const leaves = [
    ...[null, undefined, 0, 14, -1, 1.5, NaN, 2 ** 80, 10n, true, "", "a", "\ud800\0", [], [null], {}, () => ""],
    ...[new Date(NaN), new Uint8Array(), new Uint8Array(32), { low: 5, high: 0 }, { low: "5", high: -1 }],
  ];

  /** Whatever field it is asked for, it has one. */
  function anything(next: () => number, depth = 0): unknown {
    const choice = next() % 8;
    if (depth > 7 || choice < 2) return leaves[next() % leaves.length];
    if (choice === 2) return [anything(next, depth + 1), null, anything(next, depth + 1)];
    const fields = new Map<string, unknown>();
    const get = (_target: object, name: string | symbol) => {
      if (typeof name === "symbol") return undefined;
      if (!fields.has(name)) fields.set(name, anything(next, depth + 1));
      return fields.get(name);
    };
    return new Proxy({}, { get });
  }

  test("of any shape never throws, and never gives what is not text", () => {
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.infiniteStream(fc.nat(999)), (name, stream) => {
        const read = readContent({ [name]: anything(() => Number(stream.next().value)) });
        if (read.kind === "message") {
          expect(read.text.trim() !== "" || read.media !== null).toBe(true);
          expect(read.mentions.every((jid) => typeof jid === "string")).toBe(true);
          expect([typeof read.text, typeof (read.media?.name ?? "")]).toEqual(["string", "string"]);
        } else if (read.kind !== "nothing") expect(read.target.id).toMatch(/./);
      }),
      { numRuns: 5_000 },
    );
  });

  test("in place of a message is nothing", () => {
    for (const leaf of leaves) expect(readContent(leaf as proto.IMessage).kind).toBe("nothing");
  });

  test("of random bytes that decode is read, too", () => {
    const sealed = encodeWAMessage(content.quote(target, "Yes"));
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.nat(255), (at, value) => {
        const bytes = Buffer.from(sealed);
        bytes[at] = value;
        const decoded = decodes(bytes);
        if (decoded) readContent(decoded);
      }),
      { numRuns: 500 },
    );
  });
});

function decodes(bytes: Uint8Array): proto.IMessage | undefined {
  try {
    return proto.Message.decode(bytes);
  } catch {
    return undefined;
  }
}
