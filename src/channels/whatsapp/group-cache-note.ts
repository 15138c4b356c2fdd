import type { GroupMetadata } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { Jid } from "../../domain/ids.ts";
import type { Account, GroupFacts, WhatsAppLedger } from "./ledger.ts";

export interface NoteOptions {
  ledger: WhatsAppLedger;
  account(): Account;
  clock: Clock;
}

/** The account is not in it. */
export function noteLeft({ ledger, clock }: NoteOptions, jid: Jid): void {
  const before = ledger.group(jid);
  if (before?.member === false) return;
  const updatedAt = clock.now();
  ledger.saveGroup({ ...(before ?? unknown(jid)), member: false, updatedAt });
  const name = before?.subject ?? jid;
  ledger.tell(`left/${jid}/${updatedAt}`, `This account is not in the WhatsApp group "${name}" (any more).`);
}

/** Of a group that somebody registered. */
export function noteGroup({ ledger, account, clock }: NoteOptions, jid: Jid, group: GroupMetadata): void {
  const members = group.participants.map(({ id, phoneNumber, admin }) => ({
    id: ledger.canonical(phoneNumber ?? id),
    admin: admin === "admin" || admin === "superadmin",
  }));
  const mine = members.find(({ id }) => id === account().pn || id === account().lid);
  ledger.saveGroup({
    ...{ jid, updatedAt: clock.now(), members, member: true, admin: mine?.admin ?? false },
    subject: group.subject.slice(0, LONGEST_SUBJECT),
    announceOnly: group.announce ?? false,
  });
}

/** WhatsApp's own limit is 100; a server can send anything. */
const LONGEST_SUBJECT = 200;

const unknown = (jid: Jid): GroupFacts => ({
  ...{ jid, subject: "", member: false, announceOnly: false, admin: false, members: [], updatedAt: 0 },
});
