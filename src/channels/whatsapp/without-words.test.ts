import { proto, unpadRandomMax16 } from "baileys";
import { expect, test } from "vitest";
import { withoutWords } from "./without-words.ts";

const { Type } = proto.Message.ProtocolMessage;
const padded = (message: proto.IMessage) => Buffer.concat([proto.Message.encode(message).finish(), Buffer.alloc(3, 3)]);
const left = (message: proto.IMessage) =>
  proto.Message.toObject(proto.Message.decode(unpadRandomMax16(withoutWords(padded(message)))), { bytes: String });

test("of what was said nothing is left", () => {
  const image = { caption: "secret", mediaKey: Buffer.from("secret") };
  const edit = { type: Type.MESSAGE_EDIT, key: { id: "3A" }, editedMessage: { conversation: "secret" } };
  const said: proto.IMessage[] = [
    { conversation: "secret" },
    { imageMessage: image },
    { protocolMessage: edit },
    { deviceSentMessage: { destinationJid: "1@s.whatsapp.net", message: { conversation: "secret" } } },
  ];
  for (const message of said) expect(left(message)).toEqual({});
});

test("a group's key stays, and so does what devices tell each other", () => {
  const key = { groupId: "1@g.us", axolotlSenderKeyDistributionMessage: Buffer.from("key") };
  expect(left({ conversation: "secret", senderKeyDistributionMessage: key })).toEqual({
    senderKeyDistributionMessage: {
      groupId: "1@g.us",
      axolotlSenderKeyDistributionMessage: Buffer.from("key").toString("base64"),
    },
  });
  const sync = padded({ protocolMessage: { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: {} } });
  expect(withoutWords(sync)).toBe(sync);
});

test.each([[Buffer.alloc(0)], [Buffer.from([200])], [Buffer.from("no message at all, and no padding")]])(
  "what nobody can read is replaced by nothing (%s)",
  (garbage) => {
    expect([...withoutWords(garbage)]).toEqual([1]);
  },
);
