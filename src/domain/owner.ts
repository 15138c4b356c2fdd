import { randomInt } from "node:crypto";
import { z } from "zod";

/** Somebody is about to prove that a number is theirs: they send the code from it. */
export const ownerClaimSchema = z.strictObject({
  /** Digits. */
  number: z.string(),
  code: z.string(),
  /** Epoch milliseconds. */
  until: z.number(),
  wrong: z.int(),
  /** The code came; its message may come once more. */
  proved: z.boolean(),
});
export type OwnerClaim = z.infer<typeof ownerClaimSchema>;

/** Without 0 and O, 1, I and L, 2 and Z, 5 and S, 8 and B. */
const LETTERS = "ACDEFGHJKMNPQRTUVWXY34679";
const CODE_LENGTH = 8;
const CLAIM_MS = 30 * 60_000;
const MOST_WRONG = 5;

export function newOwnerClaim(number: string, now: number): OwnerClaim {
  const code = Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return { number, code, until: now + CLAIM_MS, wrong: 0, proved: false };
}

/** For reading aloud: `ACDE-3467`. */
export const spelledCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

export type ProofRuling =
  | { kind: "proved" }
  /** Its message came again. */
  | { kind: "proved-before" }
  | { kind: "wrong"; claim: OwnerClaim | null }
  | { kind: "no-proof" };

/**
 * Is this text, from the claimed number itself, the code? Only what looks like a code counts as a
 * wrong one; too many of those end the claim (null).
 */
export function judgeProof(claim: OwnerClaim, text: string, now: number): ProofRuling {
  const given = text.replaceAll(/[\s\p{Pd}]/gu, "").toUpperCase();
  if (claim.proved) return { kind: given === claim.code ? "proved-before" : "no-proof" };
  if (now > claim.until || !/^[A-Z0-9]{8}$/.test(given)) return { kind: "no-proof" };
  if (given === claim.code) return { kind: "proved" };
  const wrong = claim.wrong + 1;
  return { kind: "wrong", claim: wrong >= MOST_WRONG ? null : { ...claim, wrong } };
}
