import type { Home } from "../home.ts";

/** Below the home; the first of an archive's path. */
export const HOME = "home";
/** What lies elsewhere on the machine. */
export const ALLOWLIST = "outside/mount-allowlist.json";

/**
 * The link's file comes first: a message is marked as handed over there only when the ledger has it. So
 * whatever the older copy says was handed over is in the younger one; what it does not say so of is handed
 * over again, and taken once. The other way round messages could be lost.
 */
export const DATABASES = ["store/auth/state.db", "store/messages.db"] as const;
export type DatabasePath = (typeof DATABASES)[number];

/**
 * Folders with state. Everything else is made anew: the exchange with runs (a turn that was at work is
 * interrupted), locks, sockets, caches, the id of this machine's installation.
 */
export const TREES = ["store/auth", "groups", "data/inbox", "data/outbox", "data/kiro", "data/kiro-login"] as const;
export const LOGS = "logs";
export const SETTINGS = ".env";

/** An agent writes there, and may plant anything. */
const agents = ["groups", "data/kiro", "data/kiro-login"];

export const isAgents = (path: string): boolean => agents.some((tree) => isBelow(path, tree));

/** What nobody but the owner may see, whatever mode it had. */
export const isPrivate = (path: string): boolean =>
  path === SETTINGS || isBelow(path, "store") || isBelow(path, "data/outbox");

export const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** May a backup bring this, below the home? */
export function belongs(path: string): boolean {
  if (path === SETTINGS || DATABASES.some((database) => database === path)) return true;
  return [...TREES, LOGS].some((tree) => path === tree || isBelow(path, tree)) && !isOfThisMoment(path);
}

const linkFolderOnly = ["host.lock", "host.json", "qr.png", "qr.txt", "pairing-code.txt"];

/** Locks and codes, and the databases themselves, which are copied in their own way. */
export function isOfThisMoment(path: string): boolean {
  if (isBelow(path, "data/kiro-login/.scratch") || path === "data/kiro-login/.scratch") return true;
  const [name = ""] = isBelow(path, "store/auth") ? [path.slice("store/auth/".length)] : [];
  return linkFolderOnly.includes(name.replace(/-journal$/, "")) || name.startsWith("state.db-");
}

/** Where agents could read what is put there, or the next backup would find it. */
export const placesOf = ({ root }: Pick<Home, "root">): string[] => [...TREES, LOGS].map((tree) => `${root}/${tree}`);

const KIRO_DATABASE = /\.sqlite3$/;
/** Kiro's conversations: SQLite in an agent's hands, copied together with its write-ahead log. */
export const isKiroDatabase = (path: string): boolean => isKiros(path) && KIRO_DATABASE.test(path);
/** They come with their database, or not at all. */
export const isBesideKiroDatabase = (path: string): boolean =>
  isKiros(path) && /\.sqlite3-(wal|shm|journal)$/.test(path);

const isKiros = (path: string): boolean => isBelow(path, "data/kiro") || isBelow(path, "data/kiro-login");
