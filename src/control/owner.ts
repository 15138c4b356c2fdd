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

/** A code that proves, when it comes from this number, that the number is the owner's. A newer claim ends an older one. */
export function beginOwnerClaim(store: Store, number: string, clock: Clock): BegunClaim {
  const parsed = parsePhoneNumber(number);
  if (!parsed.ok) throw new GroupError(`The number ${number}: ${parsed.problem}, for example +4915200000001.`);
  const claim = newOwnerClaim(parsed.value, clock.now());
  keepClaim(store, claim);
  return { number: claim.number, code: spelledCode(claim.code), until: claim.until };
}

export function ownerClaim(store: Store): OwnerClaim | undefined {
  const kept = store.settings.get(CLAIM);
  return kept === undefined ? undefined : ownerClaimSchema.parse(JSON.parse(kept));
}

export function keepClaim(store: Store, claim: OwnerClaim | null): void {
  if (claim === null) store.settings.remove(CLAIM);
  else store.settings.set(CLAIM, JSON.stringify(claim));
}
