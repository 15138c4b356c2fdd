import type { GroupMetadata } from "baileys";
import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { jidOf } from "../../../test/ledger-kit.ts";
import { manualClock } from "../../../test/manual-clock.ts";
import { silentLog } from "../../domain/log.ts";
import { createGroupCache } from "./group-cache.ts";
import type { GroupFacts, WhatsAppLedger } from "./ledger.ts";

const [first, second] = [jidOf("1@g.us"), jidOf("2@g.us")];
const me = { pn: jidOf("49@s.whatsapp.net"), lid: "9@lid" };
const metadata = (id: string): GroupMetadata => ({
  ...{ id, subject: `group ${id}`, owner: undefined },
  participants: [{ id: me.lid, phoneNumber: me.pn, admin: null }],
});

/** An account that is in these groups; those that somebody registered can be changed. */
function open(listed: string[], others: string[] = []) {
  const registered = [first];
  const saved: GroupFacts[] = [];
  const told: string[] = [];
  const asked: string[] = [];
  const ledger = {
    registeredGroups: () => registered,
    group: (jid: string) => saved.findLast((facts) => facts.jid === jid),
    saveGroup: (facts: GroupFacts) => void saved.push(facts),
    canonical: (jid: string) => jidOf(jid),
    tell: (_: string, text: string) => void told.push(text),
  } as unknown as WhatsAppLedger;
  const socket = {
    ev: new EventEmitter(),
    groupFetchAllParticipating: () => Promise.resolve(Object.fromEntries(listed.map((id) => [id, metadata(id)]))),
    groupMetadata: (id: string) => {
      asked.push(id);
      return others.includes(id)
        ? Promise.resolve(metadata(id))
        : Promise.reject(Object.assign(new Error("forbidden"), { data: 403 }));
    },
  };
  const cache = createGroupCache({ ledger, account: () => me, clock: manualClock(), log: silentLog });
  const over = new AbortController();
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const members = () => saved.map(({ jid, member }) => [jid, member]);
  return {
    cache,
    registered,
    saved,
    told,
    asked,
    members,
    settled,
    over,
    follow: () => cache.follow(socket as never, over.signal),
  };
}

describe("what is known of groups", () => {
  test("is written down for those that are registered, also for one that is registered later", async () => {
    const { cache, registered, asked, members, settled, follow, over } = open([first, second]);
    cache.noteNew();
    follow();
    await settled();
    expect(members()).toEqual([[first, true]]);
    registered.push(second);
    cache.noteNew();
    cache.noteNew();
    expect([members(), asked]).toEqual([
      [
        [first, true],
        [second, true],
      ],
      [],
    ]);
    over.abort();
  });

  test("is asked for where the list does not have it: the account may have joined since", async () => {
    const { cache, registered, asked, members, told, settled, follow, over } = open([first], [second]);
    follow();
    await settled();
    registered.push(second, jidOf("3@g.us"));
    cache.noteNew();
    await settled();
    expect(asked).toEqual([second, "3@g.us"]);
    expect(members().slice(1)).toEqual([
      [second, true],
      ["3@g.us", false],
    ]);
    expect(told).toEqual(['This account is not in the WhatsApp group "3@g.us" (any more).']);
    over.abort();
  });

  test("of one that was removed and registered again is looked at anew", async () => {
    const { cache, registered, saved, settled, follow, over } = open([first]);
    follow();
    await settled();
    registered.pop();
    cache.noteNew();
    registered.push(first);
    cache.noteNew();
    expect(saved).toHaveLength(2);
    over.abort();
  });
});
