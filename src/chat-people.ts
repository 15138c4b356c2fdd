import type { RegisteredChat } from "./domain/group.ts";
import { isLocal } from "./domain/ids.ts";
import type { ChatKind, ChatPeople } from "./domain/prompt-people.ts";
import { roleOf } from "./domain/rights.ts";
import { LINKED_ACCOUNT } from "./store/settings.ts";
import { readGroup } from "./whatsapp-ledger-groups.ts";
import { isOwnerHere, type OwnerFacts } from "./whatsapp-ledger-owner.ts";

/** Names older than that many messages are not looked for. */
const LATE_MESSAGES = 1_000;

/** Who is in a chat, as the ledger and the network's last description tell. */
export function peopleOf(options: OwnerFacts, chat: RegisteredChat): ChatPeople {
  const { store, config } = options;
  const ownNumber = config.settings.ASSISTANT_HAS_OWN_NUMBER;
  const kind = kindOf(chat);
  const accountOf = ownNumber ? "assistant" : "owner";
  if (kind === "local") return { kind, account: null, accountOf, people: [] };
  const account = chat.account ?? store.settings.get(LINKED_ACCOUNT) ?? null;
  const { canonical } = store.persons;
  const names = store.messages.lateNames(chat.jid, LATE_MESSAGES);
  const own = account === null ? undefined : canonical(`${account}@s.whatsapp.net`);
  const senders = Array.isArray(chat.senders) ? chat.senders.map(canonical) : chat.senders;
  const people = membersOf(options, chat, names)
    // With a number of its own the account is the assistant.
    .filter((id) => !ownNumber || id !== own)
    .map((id) => ({
      name: names.get(id) ?? numberIn(id),
      role: roleOf({ fromOwner: isOwnerHere(options, id), sender: id }, senders),
    }));
  return { kind, account, accountOf, people };
}

function kindOf({ jid }: RegisteredChat): ChatKind {
  if (isLocal(jid)) return "local";
  return jid.endsWith("@g.us") ? "group" : "direct";
}

/** Until a group was described, those who wrote. */
function membersOf(
  { store }: OwnerFacts,
  { jid }: RegisteredChat,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  if (!jid.endsWith("@g.us")) return [jid];
  const ids = readGroup(store, jid)?.members.map(({ id }) => store.persons.canonical(id)) ?? [...names.keys()];
  return [...new Set(ids)];
}

const numberIn = (id: string): string => {
  const [digits = id, server] = id.split("@");
  return server === "s.whatsapp.net" ? `+${digits}` : "somebody";
};
