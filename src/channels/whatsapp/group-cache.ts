import type { GroupMetadata, WASocket } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Account, GroupFacts, WhatsAppLedger } from "./ledger.ts";

export interface GroupCacheOptions {
  ledger: WhatsAppLedger;
  account(): Account;
  clock: Clock;
  log: Log;
}

type GroupSocket = Pick<WASocket, "ev" | "groupFetchAllParticipating" | "groupMetadata">;

/** A group that the account is in, registered or not. */
export interface GroupName {
  jid: string;
  subject: string;
}

export interface GroupCache {
  /** For Baileys, which else asks at each send. */
  known(jid: string): GroupMetadata | undefined;
  /** Keeps it fresh for as long as this connection lasts. */
  follow(socket: GroupSocket, over: AbortSignal): void;
  /** Looks for groups that were registered since the last look. */
  noteNew(): void;
  /** Names of groups that nobody registered are never stored. */
  names(): readonly GroupName[];
}

const REFRESH_MS = 24 * 60 * 60_000;
const AGAIN_MS = 60_000;

export function createGroupCache(options: GroupCacheOptions): GroupCache {
  const { clock, log } = options;
  let groups = new Map<string, GroupMetadata>();
  /** Of a connection that has listed them. */
  let listed: GroupSocket | undefined;
  let noted = new Set<Jid>();

  const fetchAll = async (socket: GroupSocket): Promise<void> => {
    groups = new Map(Object.entries(await socket.groupFetchAllParticipating()));
    const registered = options.ledger.registeredGroups();
    for (const jid of registered) noteGroup(options, jid, groups.get(jid));
    noted = new Set(registered);
    listed = socket;
  };
  const fetchOne = async (socket: GroupSocket, jid: string): Promise<void> => {
    groups.delete(jid);
    const group = await socket.groupMetadata(jid).catch((error: unknown) => {
      // No member any more; anything else passes.
      if ((error as { data?: number }).data === 403 || (error as { data?: number }).data === 404) return undefined;
      throw error;
    });
    if (group) groups.set(jid, group);
    if (options.ledger.registeredGroups().includes(jid as Jid)) noteGroup(options, jid as Jid, group);
  };
  const quietly = (work: Promise<void>) =>
    work.catch((error: unknown) => log.debug({ error: (error as Error).message }, "Group facts could not be had"));

  const noteNew = (): void => {
    if (!listed) return;
    const registered = options.ledger.registeredGroups();
    for (const jid of registered.filter((one) => !noted.has(one))) {
      const group = groups.get(jid);
      if (group) noteGroup(options, jid, group);
      else void quietly(fetchOne(listed, jid));
    }
    noted = new Set(registered);
  };

  return {
    ...{ known: (jid) => groups.get(jid), noteNew },
    names: () => [...groups.values()].map(({ id, subject }) => ({ jid: id, subject })),
    follow: (socket, over) => {
      socket.ev.on("groups.update", (changes) => {
        for (const { id } of changes) if (id) void quietly(fetchOne(socket, id));
      });
      socket.ev.on("groups.upsert", (added) => {
        for (const { id } of added) void quietly(fetchOne(socket, id));
      });
      socket.ev.on("group-participants.update", ({ id }) => void quietly(fetchOne(socket, id)));
      void keepFresh(() => fetchAll(socket), over, { clock, log });
      over.addEventListener("abort", () => (listed = undefined), { once: true });
    },
  };
}

async function keepFresh(
  fetch: () => Promise<void>,
  over: AbortSignal,
  { clock, log }: Pick<GroupCacheOptions, "clock" | "log">,
): Promise<void> {
  while (!over.aborted) {
    let pause = REFRESH_MS;
    try {
      await fetch();
    } catch (error) {
      pause = AGAIN_MS;
      if (!over.aborted) log.debug({ error: (error as Error).message }, "Groups could not be listed");
    }
    await clock.sleep(pause, over);
  }
}

/** Absent: we are not in it. */
function noteGroup({ ledger, account, clock }: GroupCacheOptions, jid: Jid, group: GroupMetadata | undefined): void {
  const before = ledger.group(jid);
  const updatedAt = clock.now();
  if (!group) {
    if (before?.member === false) return;
    ledger.saveGroup({ ...(before ?? unknown(jid)), member: false, updatedAt });
    const name = before?.subject ?? jid;
    return ledger.tell(`left/${jid}/${updatedAt}`, `This account is not in the WhatsApp group "${name}" (any more).`);
  }
  const members = group.participants.map(({ id, phoneNumber, admin }) => ({
    id: ledger.canonical(phoneNumber ?? id),
    admin: admin === "admin" || admin === "superadmin",
  }));
  const mine = members.find(({ id }) => id === account().pn || id === account().lid);
  ledger.saveGroup({
    ...{ jid, updatedAt, members, member: true, admin: mine?.admin ?? false },
    subject: group.subject.slice(0, LONGEST_SUBJECT),
    announceOnly: group.announce ?? false,
  });
}

/** WhatsApp's own limit is 100; a server can send anything. */
const LONGEST_SUBJECT = 200;

const unknown = (jid: Jid): GroupFacts => ({
  ...{ jid, subject: "", member: false, announceOnly: false, admin: false, members: [], updatedAt: 0 },
});
