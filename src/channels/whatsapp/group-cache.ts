import type { GroupMetadata, WASocket } from "baileys";
import type { Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import { AGAIN_MS, createAsking, type Asking } from "./group-cache-asking.ts";
import { noteGroup, noteLeft, type NoteOptions } from "./group-cache-note.ts";

export interface GroupCacheOptions extends NoteOptions {
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
  /** What the ledger has of this registered group was said on the present connection. */
  isFresh(jid: Jid): boolean;
  /** Keeps it fresh for as long as this connection lasts. */
  follow(socket: GroupSocket, over: AbortSignal): void;
  /** Looks for groups that were registered since the last look. */
  noteNew(): void;
  /** Names of groups that nobody registered are never stored. */
  names(): readonly GroupName[];
}

const REFRESH_MS = 24 * 60 * 60_000;

interface Cache {
  options: GroupCacheOptions;
  groups: Map<string, GroupMetadata>;
  /** Something changed since they were described. */
  stale: Set<string>;
  /** Registered ones of which the ledger has what this connection said. */
  noted: Set<Jid>;
  /** Of a connection that has listed the groups. */
  listedBy: Asking | undefined;
}

/** One connection. */
interface Line {
  socket: GroupSocket;
  over: AbortSignal;
  asking: Asking;
}

export function createGroupCache(options: GroupCacheOptions): GroupCache {
  const cache: Cache = {
    ...{ options, groups: new Map(), stale: new Set(), noted: new Set(), listedBy: undefined },
  };
  return {
    known: (jid) => (cache.stale.has(jid) ? undefined : cache.groups.get(jid)),
    isFresh: (jid) => cache.noted.has(jid),
    names: () => [...cache.groups.values()].map(({ id, subject }) => ({ jid: id, subject })),
    noteNew: () => {
      if (cache.listedBy) noteMissing(cache, cache.listedBy);
    },
    follow: (socket, over) => {
      const ask = (jid: string) => fetchOne(cache, socket, over, jid);
      const line: Line = { socket, over, asking: createAsking({ ...options, ask, over }) };
      listen(cache, line);
      void keepFresh(cache, line);
      over.addEventListener("abort", () => ended(cache), { once: true });
    },
  };
}

function ended(cache: Cache): void {
  cache.listedBy = undefined;
  cache.noted.clear();
}

function listen(cache: Cache, { socket, over, asking }: Line): void {
  const changed = (id: string, group?: GroupMetadata): void => {
    if (over.aborted) return;
    if (group) return keep(cache, id, group);
    cache.stale.add(id);
    if (isRegistered(cache, id)) asking.want(id);
  };
  const quietly = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      cache.options.log.debug({ error: (error as Error).message }, "Group facts could not be noted");
    }
  };
  const all = (changes: readonly Partial<GroupMetadata>[]) => {
    for (const change of changes) {
      const { id } = change;
      // With its participants it is all there is to know, so that nothing must be asked.
      if (id) quietly(() => changed(id, change.participants ? (change as GroupMetadata) : undefined));
    }
  };
  socket.ev.on("groups.update", all);
  socket.ev.on("groups.upsert", all);
  socket.ev.on("group-participants.update", ({ id }) => quietly(() => changed(id)));
}

const isRegistered = ({ options }: Cache, jid: string): jid is Jid =>
  options.ledger.registeredGroups().includes(jid as Jid);

function keep(cache: Cache, jid: string, group: GroupMetadata): void {
  // What was listed is told as a change, too.
  if (cache.groups.get(jid) === group && cache.noted.has(jid as Jid)) return;
  cache.groups.set(jid, group);
  cache.stale.delete(jid);
  if (!isRegistered(cache, jid)) return;
  cache.noted.delete(jid);
  noteGroup(cache.options, jid, group);
  cache.noted.add(jid);
}

async function fetchOne(cache: Cache, socket: GroupSocket, over: AbortSignal, jid: string): Promise<void> {
  if (!isRegistered(cache, jid)) return;
  const group = await describe(socket, jid);
  if (over.aborted) return;
  if (group !== "not in it") return keep(cache, jid, group);
  cache.groups.delete(jid);
  cache.stale.delete(jid);
  if (!isRegistered(cache, jid)) return;
  noteLeft(cache.options, jid);
  cache.noted.add(jid);
}

async function describe(socket: GroupSocket, jid: string): Promise<GroupMetadata | "not in it"> {
  try {
    const group = (await socket.groupMetadata(jid)) as GroupMetadata | undefined;
    if (group) return group;
  } catch (error) {
    const { data } = error as { data?: unknown };
    if (data === 403 || data === 404) return "not in it";
    throw error;
  }
  throw new Error("no answer");
}

/** Being absent from a list says nothing: that is asked for. */
function noteMissing(cache: Cache, asking: Asking): void {
  const registered = cache.options.ledger.registeredGroups();
  cache.noted = new Set(registered.filter((jid) => cache.noted.has(jid)));
  for (const jid of registered.filter((one) => !cache.noted.has(one))) {
    const group = cache.stale.has(jid) ? undefined : cache.groups.get(jid);
    if (group) keep(cache, jid, group);
    else if (!asking.isWanted(jid)) asking.want(jid);
  }
}

async function list(cache: Cache, { socket, over, asking }: Line): Promise<void> {
  const groups = Object.entries(await socket.groupFetchAllParticipating());
  if (over.aborted) return;
  const { ledger } = cache.options;
  const expected = ledger.registeredGroups().filter((jid) => ledger.group(jid)?.member !== false);
  if (groups.length === 0 && expected.length > 0) {
    // Baileys makes an empty list of no answer; who really is in no group any more is told so one by one.
    for (const jid of expected) if (!asking.isWanted(jid)) asking.want(jid);
    throw new Error("no answer");
  }
  const listed = new Set(groups.map(([jid]) => jid));
  for (const jid of cache.groups.keys()) if (!listed.has(jid)) cache.groups.delete(jid);
  for (const jid of cache.noted) if (!listed.has(jid)) cache.noted.delete(jid);
  for (const [jid, group] of groups) keep(cache, jid, group);
  cache.listedBy = asking;
  noteMissing(cache, asking);
}

async function keepFresh(cache: Cache, line: Line): Promise<void> {
  const { clock, log } = cache.options;
  while (!line.over.aborted) {
    let pause = REFRESH_MS;
    try {
      await list(cache, line);
    } catch (error) {
      pause = AGAIN_MS;
      if (!line.over.aborted) log.debug({ error: (error as Error).message }, "Groups could not be listed");
    }
    await clock.sleep(pause, line.over);
  }
}
