import { proto, unpadRandomMax16 } from "baileys";

/**
 * What the same ciphertext must still be answered with when nobody may keep what it says: a group's
 * key, without which all that follows it could not be read.
 */
export function withoutWords(plain: Uint8Array): Uint8Array {
  const message = readable(plain);
  // Whoever wrote it can encrypt anything.
  if (!message) return PADDING;
  const { protocolMessage, senderKeyDistributionMessage } = message;
  // Between the devices of one account; it is no talk.
  if (protocolMessage && !protocolMessage.editedMessage) return plain;
  const key = senderKeyDistributionMessage ? { senderKeyDistributionMessage } : {};
  return Buffer.concat([proto.Message.encode(key).finish(), PADDING]);
}

function readable(plain: Uint8Array): proto.Message | undefined {
  try {
    return proto.Message.decode(unpadRandomMax16(plain));
  } catch {
    return undefined;
  }
}

/** The last byte says how many there are. */
const PADDING = Buffer.from([1]);
