import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Folder } from "./domain/ids.ts";
import type { GroupPaths } from "./runtime/runtime.ts";
import { StoreError } from "./store/database.ts";

/** Longest path of a Unix socket in bytes, less the closing NUL (Linux 108, macOS 104). */
const SOCKET_PATH_MAX = process.platform === "linux" ? 107 : 103;

/** Every path below one home. */
export interface Home {
  root: string;
  store: string;
  database: string;
  /** WhatsApp's link. */
  auth: string;
  socket: string;
  ipc: string;
  ipcErrors: string;
  logs: string;
  compileCache: string;
  /** What the kiro-cli of this machine knows; kept by runners without a container. */
  kiroProbe: string;
  /** Copies of the login that groups get for their runs. */
  kiroLogins: string;
  kiroLogin(folder: Folder): string;
  /** Mount points for what a group sees of the person's folders. */
  extraPoints(folder: Folder): string;
  /** Every place where a group leaves files. */
  traces(folder: Folder): string[];
  installId: string;
  /** Is there while a restore is put in its place. */
  restoring: string;
  group(folder: Folder): GroupPaths;
}

export function homePaths(root: string): Home {
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    store: at("store"),
    database: at("store", "messages.db"),
    auth: at("store", "auth"),
    socket: socketPath(root),
    ipc: at("ipc"),
    ipcErrors: at("data", "ipc-errors"),
    logs: at("logs"),
    compileCache: at("data", "compile-cache"),
    kiroProbe: at("data", "kiro-probe.json"),
    kiroLogins: at("data", "kiro-login"),
    kiroLogin: (folder) => at("data", "kiro-login", folder),
    extraPoints: (folder) => at("data", "extra", folder),
    traces: (folder) => [
      ...[at("groups", folder), at("ipc", folder), at("data", "inbox", folder), at("data", "outbox", folder)],
      ...[at("data", "kiro", folder), at("data", "kiro-login", folder), at("data", "kiro-login", `${folder}.json`)],
      ...[at("data", "extra", folder), at("logs", "groups", folder)],
    ],
    installId: at("data", "install-id"),
    restoring: at(".nanoclaw-restoring", "ready.json"),
    group: (folder) => ({
      group: at("groups", folder),
      global: at("groups", "global"),
      extra: at("groups", "extra"),
      ipc: at("ipc", folder),
      home: at("data", "kiro", folder),
      inbox: at("data", "inbox", folder),
    }),
  };
}

/** The exchange folders below `ipc/<folder>`. */
export const exchangeFolders = ["requests", "responses", "journal", "input", "outgoing"] as const;

/** @throws {StoreError} when the home cannot be written, is another user's, or is half restored. */
export function makeHome(home: Home): void {
  assertUsable(home);
  const folders = [
    home.store,
    home.ipc,
    home.ipcErrors,
    home.compileCache,
    home.logs,
    join(home.root, "groups", "global"),
  ];
  for (const folder of [...folders, join(home.root, "groups", "extra"), dirname(home.socket)]) makeFolder(folder);
  keepPrivate(dirname(home.socket));
}

/** For whoever changes or copies what is in a home. @throws {StoreError} */
export function assertUsable(home: Home): void {
  assertWhole(home);
  assertOwn(home);
}

/** @throws {StoreError} while a restore that was cut off is not finished. */
export function assertWhole({ root, restoring }: Pick<Home, "root" | "restoring">): void {
  if (!existsSync(restoring)) return;
  throw new StoreError(
    `A restore of ${root} was cut off. Finish it: npm run nanoclaw -- restore, with the same file (${restoring} names it).`,
  );
}

/**
 * What root makes in a home where another user's host works, that host could not open any more. A host
 * that is root in a folder of somebody else's has made these two itself.
 * @throws {StoreError}
 */
export function assertOwn({ root, store, ipc }: Pick<Home, "root" | "store" | "ipc">): void {
  const uid = process.getuid?.();
  const owners = [store, ipc].map((folder) => statSync(folder, { throwIfNoEntry: false })?.uid ?? uid);
  const other = owners.find((owner) => owner !== uid);
  if (other === undefined) return;
  const cure = uid === 0 ? "Run this as that user, without sudo" : `Run this as that user, or: ${takeOver(root)}`;
  throw new StoreError(`The home ${root} is another user's (number ${other}); nothing was changed. ${cure}.`);
}

const takeOver = (root: string): string => `sudo chown -R "$USER" '${root}'`;

/** Whoever can enter this folder is the owner; one that another user made first is not ours. */
export function keepPrivate(folder: string): void {
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) {
    throw new StoreError(
      `${folder} belongs to another user or is no folder; remove it, or choose a NANOCLAW_HOME with a shorter path.`,
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

export function makeGroupFolders(paths: GroupPaths): void {
  for (const path of [paths.group, paths.home, paths.inbox]) makeFolder(path);
  for (const name of exchangeFolders) makeFolder(join(paths.ipc, name));
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // What Node calls ENOENT when a folder above cannot be made.
    const isHidden = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isHidden ? "the disk is read-only, or a link leads nowhere" : (error as Error).message;
    throw new StoreError(`The folder ${path} cannot be made: ${reason}. Check the disk and who may write there.`, {
      cause: error,
    });
  }
}

/**
 * Names this home on this machine, as a label on what it starts. The path is mixed in, so that a
 * copy of the home does not take the original's containers for its own.
 */
export function installId(home: Home): string {
  const id = readInstallId(home) ?? makeInstallId(home);
  return createHash("sha256").update(`${id} ${home.root}`).digest("hex").slice(0, 24);
}

function readInstallId({ installId }: Home): string | undefined {
  try {
    return readFileSync(installId, "utf8").trim() || undefined;
  } catch {
    return undefined; // the first start
  }
}

function makeInstallId({ installId }: Home): string {
  const id = randomBytes(16).toString("hex");
  writeFileSync(installId, `${id}\n`, { mode: 0o600 });
  return id;
}

/** A path that is too long for a socket gets a short one elsewhere, in a folder only this user can enter. */
function socketPath(root: string): string {
  const path = join(root, "store", "nanoclaw.sock");
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path;
  const short = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return join(tmpdir(), `nanoclaw-${process.getuid?.() ?? 0}-${short}`, "nanoclaw.sock");
}
