import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, jidOf, say } from "../test/ledger-kit.ts";
import { peopleOf } from "./chat-people.ts";
import type { Settings } from "./config.ts";
import { LINKED_ACCOUNT } from "./store/settings.ts";
import { openStore, type Store } from "./store/store.ts";

const number = (digits: string) => jidOf(`${digits}@s.whatsapp.net`);
const [us, ann, bob] = ["4915200000001", "4917600000001", "4917600000002"] as const;
const group = jidOf("120363000000000001@g.us");

describe("who is in a chat", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
    store.settings.set(LINKED_ACCOUNT, us);
    addGroup(store, "main");
  });
  const peopleIn = (changes: object, settings: Partial<Settings> = {}) => {
    const config = { settings: { ASSISTANT_HAS_OWN_NUMBER: false, ...settings } as Settings };
    return peopleOf({ store, config }, addGroup(store, "family", { jid: group, account: us, ...changes }));
  };
  const described = (...ids: string[]) => {
    const members = ids.map((id) => ({ id, admin: false }));
    store.networkGroups.save(group, "Family", { member: true, announceOnly: false, admin: false, members }, 1);
  };

  test("on a shared number the account is the owner; names are those that people last wrote under", () => {
    described(number(us), number(ann), number(bob));
    const chat = { chat: group, sender: number(ann), fromOwner: false };
    say(store, "hi", { ...chat, senderName: "Ann" });
    say(store, "hi", { ...chat, senderName: "Annie" });
    expect(peopleIn({ senders: [number(bob)] })).toEqual({
      ...{ kind: "group", account: us, accountOf: "owner" },
      people: [
        { name: `+${us}`, role: "owner" },
        { name: "Annie", role: "guest" },
        { name: `+${bob}`, role: "member" },
      ],
    });
  });

  test("with its own number the assistant is none of them, and the owner is who proved it", () => {
    described(number(us), number(ann), "77@lid");
    const own = { ASSISTANT_HAS_OWN_NUMBER: true, NANOCLAW_OWNER: [ann] };
    expect(peopleIn({ senders: "everyone" }, own)).toMatchObject({
      accountOf: "assistant",
      people: [
        { name: `+${ann}`, role: "owner" },
        { name: "somebody", role: "member" },
      ],
    });
  });

  test("before the network described the group it is those who wrote, but no hidden guest", () => {
    addGroup(store, "other");
    const chat = { chat: group, fromOwner: false };
    say(store, "hi", { ...chat, sender: number(ann), senderName: "Ann" });
    say(store, "psst", { ...chat, sender: number(bob) }, { decision: "ignored", reason: "guest-hidden" });
    expect(peopleIn({}).people).toEqual([{ name: "Ann", role: "guest" }]);
  });

  test("in a direct chat it is the other one; in the local chat the owner needs no name", () => {
    expect(peopleIn({ jid: number(bob), senders: "everyone" })).toMatchObject({
      kind: "direct",
      people: [{ name: `+${bob}`, role: "member" }],
    });
    const [local] = store.groups.chatsOf("main" as never);
    const config = { settings: { ASSISTANT_HAS_OWN_NUMBER: false } as Settings };
    expect(local && peopleOf({ store, config }, local)).toMatchObject({ kind: "local", account: null, people: [] });
  });
});
