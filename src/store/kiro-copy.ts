import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
  type BigIntStats,
} from "node:fs";
import { join } from "node:path";

/** Where a database of Kiro's lies, and how far its neighbourhood is to be trusted. */
export interface KiroSource {
  path: string;
  /** A folder of the host's own, for copies that nobody else can change. */
  scratch: string;
  /** An agent can write there: only a plain file with one name is read, and only up to `mostBytes`. */
  hostile: boolean;
  mostBytes: number;
}

export type KiroCopy =
  | ({ kind: "copy"; path: string } & Disposable)
  | { kind: "missing" }
  | { kind: "too-large"; bytes: number }
  | { kind: "refused"; problem: string };

/** A writer that was in the middle of it gets this many chances to be done. */
const TRIES = 4;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a database and its write-ahead log to where only the host writes. Names are opened without
 * following links and without waiting. The rollback journal stays behind: playing one back,
 * SQLite deletes a file that the journal names, and an agent would choose the name.
 */
export function copyPrivately(source: KiroSource): KiroCopy {
  const folder = mkdtempSync(join(source.scratch, "kiro-"));
  const discard = () => rmSync(folder, { recursive: true, force: true });
  try {
    const copied = copyUnchanged(source, join(folder, "data.sqlite3"));
    if (copied.kind !== "copy") discard();
    return copied.kind === "copy" ? { ...copied, [Symbol.dispose]: discard } : copied;
  } catch (error) {
    discard();
    return { kind: "refused", problem: `it cannot be read (${(error as Error).message})` };
  }
}

type Attempt = { kind: "copy"; path: string } | Exclude<KiroCopy, { kind: "copy" }>;

/** Both files as they were at one moment, as far as sizes and times tell. */
function copyUnchanged(source: KiroSource, target: string): Attempt {
  for (let tries = 1; ; tries += 1) {
    const before = stamp(source.path);
    const main = copyFile(source, "", target);
    if (main.kind !== "copy") return main;
    const log = copyFile(source, "-wal", target);
    if (log.kind !== "copy" && log.kind !== "missing") return log;
    if (stamp(source.path) === before || tries === TRIES) return main;
  }
}

function copyFile({ path, hostile, mostBytes }: KiroSource, suffix: string, target: string): Attempt {
  rmSync(`${target}${suffix}`, { force: true });
  let file: number;
  try {
    file = openSync(`${path}${suffix}`, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { kind: "missing" };
    return { kind: "refused", problem: code === "ELOOP" ? "it is a link" : `it cannot be opened (${code})` };
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return { kind: "refused", problem: "it is no regular file" };
    if (hostile && stat.nlink !== 1) return { kind: "refused", problem: "it has a second name (hard link)" };
    if (stat.size > mostBytes) return { kind: "too-large", bytes: stat.size };
    copyBytes(file, `${target}${suffix}`, stat.size);
    return { kind: "copy", path: target };
  } finally {
    closeSync(file);
  }
}

/** At most what was measured: a file that grows meanwhile is caught by its stamp. */
function copyBytes(from: number, target: string, size: number): void {
  const to = openSync(target, "wx", 0o600);
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(1, size)));
    for (let at = 0; at < size;) {
      const read = readSync(from, chunk, 0, Math.min(chunk.length, size - at), at);
      if (read === 0) return;
      writeSync(to, chunk, 0, read);
      at += read;
    }
  } finally {
    closeSync(to);
  }
}

/** Changes whenever the database does, also while a change is under way. */
export function stamp(path: string): string {
  return ["", "-wal", "-journal"].map((suffix) => stampOf(look(`${path}${suffix}`))).join(" ");
}

/** Where this user may not even look, nothing is of theirs. */
function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const stampOf = (stat: BigIntStats | undefined): string =>
  stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : "none";
