import { createPublicKey, verify } from "node:crypto";

const PRIME = 2n ** 255n - 19n;
const ED25519_DER = Buffer.from("302a300506032b6570032100", "hex");

/**
 * An XEdDSA signature by a Curve25519 key, checked with Node's own Ed25519: what Baileys' `Curve.verify` leaves out
 * (whatsapp.md, 1) is not left out here.
 */
export function isSignedBy(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const plain = Buffer.from(signature);
  const sign = (plain[63] ?? 0) & 0x80;
  plain[63] = (plain[63] ?? 0) & 0x7f;
  const point = Buffer.concat([ED25519_DER, edwards(key.subarray(-32), sign)]);
  return verify(null, message, createPublicKey({ key: point, format: "der", type: "spki" }), plain);
}

/** y = (u - 1) / (u + 1), with the sign of x in the highest bit. */
function edwards(montgomery: Uint8Array, sign: number): Buffer {
  const u = BigInt(`0x${Buffer.from(montgomery).reverse().toString("hex")}`) & (2n ** 255n - 1n);
  const y = modulo((u - 1n) * power(u + 1n, PRIME - 2n));
  const bytes = Buffer.from(y.toString(16).padStart(64, "0"), "hex").reverse();
  bytes[31] = (bytes[31] ?? 0) | sign;
  return bytes;
}

const modulo = (n: bigint): bigint => ((n % PRIME) + PRIME) % PRIME;

function power(base: bigint, exponent: bigint): bigint {
  let [result, square, rest] = [1n, modulo(base), exponent];
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}
