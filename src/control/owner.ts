import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { newOwnerClaim, ownerClaimSchema, spelledCode, type OwnerClaim } from "../domain/owner.ts";
import { parsePhoneNumber } from "../domain/phone-number.ts";
import type { Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";

export const ownerRequestSchema = z.strictObject({ number: z.string() });

export interface BegunClaim {
  /** Digits. */
  number: string;
  /** To be sent, from that number, to the assistant's. */
  code: string;
  /** Epoch milliseconds. */
  until: number;
}

/** The setting that keeps the claim. */
const CLAIM = "owner-claim";
/** The one that keeps for which number a claim was ended by wrong codes. */
const ENDED = "owner-claim-ended";

/** A code that proves, when it comes from this number, that the number is the owner's. A newer claim ends an older one. */
export function beginOwnerClaim(store: Store, number: string, clock: Clock): BegunClaim {
  const parsed = parsePhoneNumber(number);
  if (!parsed.ok) throw new GroupError(`The number ${number}: ${parsed.problem}, for example +4915200000001.`);
  const claim = newOwnerClaim(parsed.value, clock.now());
  keepClaim(store, claim);
  store.settings.remove(ENDED);
  return { number: claim.number, code: spelledCode(claim.code), until: claim.until };
}

export function ownerClaim(store: Store): OwnerClaim | undefined {
  const kept = store.settings.get(CLAIM);
  return kept === undefined ? undefined : ownerClaimSchema.parse(JSON.parse(kept));
}

/** Too many wrong codes came from that number: its claim counts no more. */
export function endClaim(store: Store, { number }: OwnerClaim): void {
  keepClaim(store, null);
  store.settings.set(ENDED, number);
}

export interface OwnerState {
  /** Digits, as the next one; null: nobody. */
  proved: string | null;
  /** From there wrong codes came, until the claim ended. */
  endedByWrongCodes: string | null;
}

export const ownerState = (store: Store): OwnerState => ({
  proved: store.settings.get("owner") ?? null,
  endedByWrongCodes: store.settings.get(ENDED) ?? null,
});

export function keepClaim(store: Store, claim: OwnerClaim | null): void {
  if (claim === null) store.settings.remove(CLAIM);
  else store.settings.set(CLAIM, JSON.stringify(claim));
}
