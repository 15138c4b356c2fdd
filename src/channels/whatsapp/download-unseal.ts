import type { getMediaKeys } from "baileys";
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";

export type MediaKeys = Awaited<ReturnType<typeof getMediaKeys>>;

/** Opens a file piece by piece. Nothing of it may be believed before `end` has returned. */
export interface Unsealer {
  take(sealed: Uint8Array): Buffer;
  /** The last of it. Throws when it is not the file that was sent. */
  end(): Buffer;
}

const MAC_BYTES = 10;

/** AES-256-CBC, and at the end the beginning of an HMAC over everything before it. */
export function createUnsealer({ iv, cipherKey, macKey }: MediaKeys, fileSha256: Uint8Array | null): Unsealer {
  const decipher = createDecipheriv("aes-256-cbc", cipherKey, iv);
  const hmac = createHmac("sha256", macKey ?? Buffer.alloc(0)).update(iv);
  const hash = createHash("sha256");
  let tail = Buffer.alloc(0);
  const opened = (plain: Buffer) => {
    hash.update(plain);
    return plain;
  };
  return {
    take: (chunk) => {
      const held = Buffer.concat([tail, chunk]);
      const sealed = held.subarray(0, Math.max(0, held.length - MAC_BYTES));
      // A copy: a view would keep the whole piece in memory.
      tail = Buffer.from(held.subarray(sealed.length));
      hmac.update(sealed);
      return opened(decipher.update(sealed));
    },
    end: () => {
      const mac = hmac.digest().subarray(0, MAC_BYTES);
      if (tail.length !== MAC_BYTES || !timingSafeEqual(tail, mac)) throw new Error("the HMAC differs");
      const last = opened(decipher.final());
      if (fileSha256 && !hash.digest().equals(fileSha256)) throw new Error("the SHA-256 differs");
      return last;
    },
  };
}
