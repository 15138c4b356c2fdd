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
  const ev = new EventEmitter();
  let lists = 0;
  let gate = Promise.resolve();
  const socket = {
    ev,
    groupFetchAllParticipating: async () => {
      lists += 1;
      await gate;
      const groups = Object.fromEntries(listed.map((id) => [id, metadata(id)]));
      ev.emit("groups.update", Object.values(groups));
      return groups;
    },
    groupMetadata: async (id: string) => {
      asked.push(id);
      await gate;
      if (silent.has(id)) throw new Error("Invalid group metadata response: missing <group> node");
      if (others.includes(id)) return metadata(id);
      throw Object.assign(new Error("forbidden"), { data: 403 });
    },
  };
  const silent = new Set<string>();
  const clock = manualClock();
  const cache = createGroupCache({ ledger, account: () => me, clock, log: silentLog });
  const over = new AbortController();
  /** No answer comes before it is called. */
  const holdAnswers = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return resolve;
  };
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const members = () => saved.map(({ jid, member }) => [jid, member]);
  return {
    ...{ cache, registered, saved, told, asked, members, settled, over, ev, listed, clock, silent, holdAnswers },
    lists: () => lists,
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

  test("is not that we left, when an empty list comes: Baileys makes one of no answer", async () => {
    const { clock, lists, members, told, silent, settled, cache, follow, over } = open([]);
    silent.add(first);
    follow();
    await settled();
    expect([members(), told, cache.isFresh(first)]).toEqual([[], [], false]);
    await clock.advance(60_000);
    expect([lists(), members(), told]).toEqual([2, [], []]);
    over.abort();
  });

  test("is asked one by one after an empty list: who was removed from the last group hears of it", async () => {
    const { clock, lists, asked, members, cache, settled, follow, over } = open([]);
    follow();
    await settled();
    expect([members(), cache.isFresh(first)]).toEqual([[[first, false]], true]);
    await clock.advance(60 * 60_000);
    expect([lists(), asked.length <= 2]).toEqual([2, true]);
    over.abort();
  });

  test("is asked for when the list lacks it, and no answer does not mean that we left", async () => {
    const { members, asked, silent, told, settled, follow, over } = open([second]);
    silent.add(first);
    follow();
    await settled();
    expect([asked, members(), told]).toEqual([[first], [], []]);
    over.abort();
  });

  test("is not what a connection says that is over", async () => {
    const { cache, members, listed, settled, follow, over, holdAnswers } = open([first]);
    const answer = holdAnswers();
    follow();
    over.abort();
    listed.length = 0;
    answer();
    await settled();
    expect([members(), cache.names(), cache.isFresh(first)]).toEqual([[], [], false]);
  });

  test("is fresh until the connection ends", async () => {
    const { cache, settled, follow, over } = open([first]);
    expect(cache.isFresh(first)).toBe(false);
    follow();
    await settled();
    expect(cache.isFresh(first)).toBe(true);
    over.abort();
    expect(cache.isFresh(first)).toBe(false);
  });

  test("is taken from the list alone: what is told with its participants is not asked for", async () => {
    const many = Array.from({ length: 150 }, (_, n) => `${100 + n}@g.us`);
    const { cache, asked, saved, ev, settled, follow, over } = open([first, ...many]);
    follow();
    await settled();
    expect([asked, saved.length, cache.names().length]).toEqual([[], 1, 151]);
    ev.emit("groups.update", [{ ...metadata(first), subject: "another name" }]);
    expect([asked, saved.at(-1)?.subject]).toEqual([[], "another name"]);
    over.abort();
  });

  test("is asked for after a change, of registered groups alone and one after the other", async () => {
    const { cache, asked, registered, ev, settled, follow, over, holdAnswers } = open([first, second], [first, second]);
    registered.push(second);
    follow();
    await settled();
    const answer = holdAnswers();
    ev.emit(
      "groups.update",
      [first, second, "3@g.us"].map((id) => ({ id, announce: true })),
    );
    await settled();
    expect([asked, cache.names().length]).toEqual([[first], 2]);
    answer();
    await settled();
    expect(asked).toEqual([first, second]);
    over.abort();
  });

  test("that changed is not handed to Baileys before the answer", async () => {
    const { cache, ev, settled, follow, over, holdAnswers } = open([first], [first]);
    follow();
    await settled();
    const answer = holdAnswers();
    ev.emit("group-participants.update", { id: first });
    expect(cache.known(first)).toBeUndefined();
    answer();
    await settled();
    expect(cache.known(first)).toBeDefined();
    over.abort();
  });

  test("is asked for again a minute after there was no answer, not at each look", async () => {
    const { cache, clock, asked, registered, members, silent, settled, follow, over } = open([first], [second]);
    follow();
    await settled();
    silent.add(second);
    registered.push(second);
    for (let look = 0; look < 5; look += 1) {
      cache.noteNew();
      await settled();
    }
    expect([asked, cache.isFresh(second)]).toEqual([[second], false]);
    silent.clear();
    await clock.advance(60_000);
    expect([asked, members().at(-1)]).toEqual([
      [second, second],
      [second, true],
    ]);
    over.abort();
  });
});
