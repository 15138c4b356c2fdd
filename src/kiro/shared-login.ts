import type { Clock } from "../domain/clock.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { decideWriteBack, lentRow, type WriteBack } from "./decide-write-back.ts";
import { isTokenKey, type LoginRow } from "./login-rows.ts";
import { loginState } from "./login-state.ts";
import {
  clearDatabase,
  placeDatabase,
  readRecord,
  recordedGroups,
  removeRecord,
  writeRecord,
  type LoanRecord,
  type Owner,
  type SharedLoginPaths,
} from "./shared-login-files.ts";

/** What is read of a database; conversations and shape are the store's matter and only handed on. */
export interface LoginContent {
  auth: LoginRow[];
  state: LoginRow[];
  conversations: unknown[];
  shape: unknown;
}

export type ContentRead<Content> =
  { kind: "content"; content: Content } | { kind: "missing" } | { kind: "refused"; problem: string };

/** The part of the store that knows Kiro's databases; it is handed in. */
export interface LoginStore<Content extends LoginContent> {
  /** The person's own login, and what their database looks like. */
  readPerson(): ContentRead<Content>;
  /** The tokens and conversations in a database that an agent wrote. */
  readReturned(path: string): ContentRead<Content>;
  /** All changes or none, where the old values still stand. */
  update(changes: WriteBack["changes"]): { kind: "done" | "busy" | "changed" } | { kind: "refused"; problem: string };
  build(path: string, content: Content): void;
}

export interface SharedLoginOptions<Content extends LoginContent> {
  paths: SharedLoginPaths;
  store: LoginStore<Content>;
  /** Whom files are given to, where the host may do that; else null. */
  owner: Owner | null;
  clock: Clock;
  log: Log;
}

export type Lent = { kind: "lent" } | { kind: "logged-out" } | { kind: "unusable"; problem: string };

/** Lends the login to groups; whoever calls holds the lease, and no container of the group runs. */
export interface SharedLogin {
  /** Puts a fresh copy where the group's Kiro finds it. The group's own conversations stay. */
  lend(group: Folder, options: { writeBack: boolean }): Promise<Lent>;
  /** Takes over what was refreshed, and removes the copy. Does nothing when nothing is lent. Never rejects. */
  takeBack(group: Folder, options: { writeBack: boolean }): Promise<void>;
  /** Groups that something is lent to. */
  lentTo(): Folder[];
}

/** A kiro-cli of the person's is done with a change in less. */
const BUSY_STEP_MS = 250;
const BUSY_TRIES = 40;

export function createSharedLogin<Content extends LoginContent>(options: SharedLoginOptions<Content>): SharedLogin {
  const { paths, log } = options;
  const takeBack: SharedLogin["takeBack"] = async (group, { writeBack }) => {
    try {
      const record = readRecord(paths, group);
      if (record) await settle(options, group, { ...record, writeBack: record.writeBack && writeBack });
    } catch (error) {
      log.error({ group, error: (error as Error).message }, "Cannot take Kiro's login back, trying again later");
    }
  };
  return {
    takeBack,
    lentTo: () => recordedGroups(paths),
    lend: async (group, { writeBack }) => {
      // What could not be settled after its run: a refreshed token in it may be the only good one.
      for (const other of recordedGroups(paths)) await takeBack(other, { writeBack: true });
      if (recordedGroups(paths).length > 0) return { kind: "unusable", problem: "the login is still lent" };
      return lendFresh(options, group, writeBack);
    },
  };
}

function lendFresh<Content extends LoginContent>(
  { paths, store, owner }: SharedLoginOptions<Content>,
  group: Folder,
  writeBack: boolean,
): Lent {
  const person = store.readPerson();
  const state = loginState(() => person);
  if (person.kind !== "content" || state.kind !== "logged-in") {
    return state.kind === "unreadable" ? { kind: "unusable", problem: state.problem } : { kind: "logged-out" };
  }
  const { conversations } = conversationsOf(store, paths.database(group), person.content);
  const rows = person.content.auth.filter(({ key }) => isTokenKey(key)).map(lentRow);
  writeRecord(paths, group, { version: 1, writeBack, rows });
  placeDatabase(paths, group, owner, (path) => store.build(path, { ...person.content, conversations }));
  return { kind: "lent" };
}

/** What an agent has made unreadable is lost to it alone. */
function conversationsOf<Content extends LoginContent>(
  store: LoginStore<Content>,
  path: string,
  person: Content,
): Pick<Content, "conversations"> {
  const own = store.readReturned(path);
  return own.kind === "content" ? own.content : { ...person, conversations: [] };
}

async function settle<Content extends LoginContent>(
  options: SharedLoginOptions<Content>,
  group: Folder,
  record: LoanRecord,
): Promise<void> {
  const { paths, store, log } = options;
  const returned = store.readReturned(paths.database(group));
  if (returned.kind === "refused")
    log.warn({ group, problem: returned.problem }, "A group's copy of Kiro's login is unusable");
  if (record.writeBack && returned.kind === "content") {
    const isSettled = await writeBack(options, group, { lent: record.rows, returned: returned.content.auth });
    if (!isSettled) return; // with record and copy as they are, for the next try
  }
  removeCopy(options, group, returned);
  removeRecord(paths, group);
}

/** @returns whether it is over, with or without a change. */
async function writeBack<Content extends LoginContent>(
  { store, clock, log }: SharedLoginOptions<Content>,
  group: Folder,
  came: { lent: LoanRecord["rows"]; returned: LoginRow[] },
): Promise<boolean> {
  for (let tries = 1; tries <= BUSY_TRIES; tries += 1) {
    const person = store.readPerson();
    const host = person.kind === "content" ? person.content.auth : [];
    const { changes, refused } = decideWriteBack({ ...came, host, now: clock.now() });
    const done = changes.length === 0 ? undefined : store.update(changes);
    if (person.kind !== "refused" && done?.kind !== "busy" && done?.kind !== "changed") {
      const problems = done?.kind === "refused" ? [{ reason: done.problem }] : refused;
      if (problems.length > 0) log.warn({ group, problems }, "Rows of Kiro's login were not taken over");
      if (done?.kind === "done") log.info({ group, rows: changes.map(({ key }) => key) }, "Kiro's login was refreshed");
      return true;
    }
    await clock.sleep(BUSY_STEP_MS);
  }
  log.warn({ group }, "Kiro's own login is in use or cannot be read, trying again later");
  return false;
}

/** The group keeps its conversations; without a login they are what its database consists of. */
function removeCopy<Content extends LoginContent>(
  { paths, store, owner }: SharedLoginOptions<Content>,
  group: Folder,
  returned: ContentRead<Content>,
): void {
  const person = store.readPerson();
  if (returned.kind !== "content" || returned.content.conversations.length === 0 || person.kind !== "content") {
    return clearDatabase(paths, group);
  }
  const { conversations } = returned.content;
  placeDatabase(paths, group, owner, (path) =>
    store.build(path, { ...person.content, auth: [], state: [], conversations }),
  );
}
