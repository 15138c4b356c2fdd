import { buildKiroDatabase } from "./kiro-build.ts";
import { stamp, type KiroSource } from "./kiro-copy.ts";
import {
  readKiroDatabase,
  updateKiroLogin,
  type KiroContent,
  type KiroRead,
  type KiroUpdate,
} from "./kiro-database.ts";

export interface KiroFilesOptions {
  /** The person's own `data.sqlite3`. */
  person: string;
  /** A folder that only the host writes, and that is there when something is read. */
  scratch: string;
  /** Which rows a login consists of. */
  isLoginKey(key: string): boolean;
  isLoginState(key: string): boolean;
}

/** What the host does with databases of Kiro's. */
export interface KiroFiles {
  /** Changes whenever the person's database does. */
  stamp(): string;
  /** The person's login; the file is read again only when it changed. */
  readLogin(): KiroRead;
  /** The same, and what their database looks like. */
  readPerson(): KiroRead;
  /** Login and conversations of a database that an agent wrote. */
  readReturned(path: string): KiroRead;
  update(changes: readonly { key: string; from: string; to: string }[]): KiroUpdate;
  build(path: string, content: KiroContent): void;
}

const MIB = 1024 * 1024;
/** Read as a copy up to there, again only when it changed: half a second at most. */
const PERSONS_BYTES = 256 * MIB;
/** A group begins a turn with at most that much of conversations, and may add the rest. */
const CONVERSATION_BYTES = 16 * MIB;
const RETURNED_BYTES = 96 * MIB;

export function kiroFiles({ person, scratch, isLoginKey, isLoginState }: KiroFilesOptions): KiroFiles {
  const persons: KiroSource = { path: person, scratch, hostile: false, mostBytes: PERSONS_BYTES };
  const login = { auth: isLoginKey, state: isLoginState };
  let seen: { stamp: string; read: KiroRead } | undefined;
  return {
    stamp: () => stamp(person),
    readLogin: () => {
      const now = stamp(person);
      if (seen?.stamp === now) return seen.read;
      const read = readKiroDatabase(persons, login);
      // What could not be read may have been in the middle of a change.
      seen = read.kind === "refused" ? undefined : { stamp: now, read };
      return read;
    },
    readPerson: () => readKiroDatabase(persons, { ...login, shape: true }),
    readReturned: (path) =>
      readKiroDatabase(
        { path, scratch, hostile: true, mostBytes: RETURNED_BYTES },
        { auth: isLoginKey, conversationBytes: CONVERSATION_BYTES },
      ),
    update: (changes) => updateKiroLogin(person, changes),
    build: buildKiroDatabase,
  };
}
