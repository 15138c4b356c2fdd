import type { Senders } from "../domain/group.ts";
import { parseJid, type Jid } from "../domain/ids.ts";
import { looksLikeNumber, parsePhoneNumber } from "../domain/phone-number.ts";
import type { Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";

/** A chat as a person names it: by its id, or by the number of whoever it is with. */
export function chatNamed(store: Store, text: string): Jid {
  const given = text.trim();
  if (looksLikeNumber(given)) return numberNamed(store, given);
  const jid = parseJid(given);
  if (!jid.ok) throw new GroupError(jid.problem);
  return store.persons.canonical(jid.value);
}

/** Undefined stays undefined. */
export function sendersNamed(store: Store, senders: Senders | undefined): Senders | undefined {
  if (!Array.isArray(senders)) return senders;
  // The owner may in any case.
  const others = senders.filter((person) => person !== "owner");
  return others.length === 0 ? "owner" : [...new Set(others.map((person) => chatNamed(store, person)))];
}

function numberNamed(store: Store, text: string): Jid {
  const number = parsePhoneNumber(text);
  if (!number.ok) throw new GroupError(`The number ${text}: ${number.problem}, for example +4915200000001.`);
  return store.persons.canonical(`${number.value}@s.whatsapp.net`);
}
