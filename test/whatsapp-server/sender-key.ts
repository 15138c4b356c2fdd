import { createCipheriv, randomBytes, randomInt } from "node:crypto";
import { Curve, generateSignalPubKey, hkdf, hmacSign, proto } from "baileys";

/** What one member of a group encrypts with; Baileys' own cipher would leave out every second key, phones do not. */
export interface SenderKey {
  /** Who has it reads all messages from here on. */
  distribution(): Uint8Array;
  seal(plain: Uint8Array): Uint8Array;
}

const VERSION = Buffer.from([0x33]);

export function createSenderKey(): SenderKey {
  const id = randomInt(2 ** 31 - 1);
  const signer = Curve.generateKeyPair();
  let chain: Uint8Array = randomBytes(32);
  let iteration = 0;
  return {
    distribution: () => {
      const signingKey = generateSignalPubKey(signer.public);
      const message = proto.SenderKeyDistributionMessage.encode({ id, iteration, chainKey: chain, signingKey });
      return Buffer.concat([VERSION, message.finish()]);
    },
    seal: (plain) => {
      const derived = hkdf(hmacSign(Buffer.from([1]), chain), 48, { salt: Buffer.alloc(32), info: "WhisperGroup" });
      const cipher = createCipheriv("aes-256-cbc", derived.subarray(16), derived.subarray(0, 16));
      const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
      const message = Buffer.concat([VERSION, proto.SenderKeyMessage.encode({ id, iteration, ciphertext }).finish()]);
      chain = hmacSign(Buffer.from([2]), chain);
      iteration += 1;
      return Buffer.concat([message, Curve.sign(signer.private, message)]);
    },
  };
}
