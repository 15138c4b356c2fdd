import { z } from "zod";
import type { GroupFacts } from "./channels/whatsapp/ledger.ts";
import type { Jid } from "./domain/ids.ts";
import type { Store } from "./store/store.ts";

const factsSchema = z.object({
  member: z.boolean(),
  announceOnly: z.boolean(),
  admin: z.boolean(),
  members: z.array(z.object({ id: z.string(), admin: z.boolean() })),
});

/** As WhatsApp last described it. */
export function readGroup(store: Store, jid: Jid): GroupFacts | undefined {
  const found = store.networkGroups.find(jid);
  if (!found) return undefined;
  const { subject, updatedAt } = found;
  return { jid, subject, updatedAt, ...factsSchema.parse(found.facts) };
}
