import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { randomName, type Folder } from "../domain/ids.ts";

/** Whom a file inside a container belongs to. */
export interface Owner {
  uid: number;
  gid: number;
}

/** Below one folder of the host's: `<group>/` is mounted, `<group>.json` says what was lent to it. */
export interface SharedLoginPaths {
  root: string;
  /** For files that are being made or looked at. */
  scratch: string;
  /** Mounted as Kiro's data folder of that group. */
  folder(group: Folder): string;
  database(group: Folder): string;
  record(group: Folder): string;
}

export function sharedLoginPaths(root: string): SharedLoginPaths {
  return {
    root,
    scratch: join(root, ".scratch"),
    folder: (group) => join(root, group),
    database: (group) => join(root, group, "data.sqlite3"),
    record: (group) => join(root, `${group}.json`),
  };
}

/** Makes what is missing; what an earlier host was making when it was killed is thrown away. */
export function makeSharedLoginFolders({ root, scratch }: SharedLoginPaths): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
}

const recordSchema = z.strictObject({
  version: z.literal(1),
  writeBack: z.boolean(),
  rows: z.array(z.strictObject({ key: z.string(), hash: z.string() })),
});
/** What was lent, as hashes; it outlives the host, the values do not. */
export type LoanRecord = z.infer<typeof recordSchema>;

/** On disk before the copy is: a crash in between must not leave a login that nobody knows of. */
export function writeRecord(paths: SharedLoginPaths, group: Folder, record: LoanRecord): void {
  const path = paths.record(group);
  const file = openSync(`${path}.tmp`, "w", 0o600);
  try {
    writeSync(file, JSON.stringify(record));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
}

/** One that cannot be read, from another version perhaps, gives nothing back; the copy is removed all the same. */
export function readRecord(paths: SharedLoginPaths, group: Folder): LoanRecord | undefined {
  let text: string;
  try {
    text = readFileSync(paths.record(group), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return { version: 1, writeBack: false, rows: [] };
  }
}

export const removeRecord = (paths: SharedLoginPaths, group: Folder): void =>
  rmSync(paths.record(group), { force: true });

/** Groups that something was lent to and not taken back. */
export function recordedGroups({ root }: SharedLoginPaths): Folder[] {
  return readdirSync(root)
    .filter((name) => /^[a-z0-9][a-z0-9_-]*\.json$/.test(name))
    .map((name) => name.slice(0, -".json".length) as Folder);
}

/**
 * Puts a database that `make` writes where the group's Kiro finds it, in place of what is there; no
 * container of the group runs. Only names directly in the mounted folder are touched, none is opened.
 */
export function placeDatabase(
  paths: SharedLoginPaths,
  group: Folder,
  owner: Owner | null,
  make: (path: string) => void,
): void {
  const made = mkdtempSync(join(paths.scratch, "new-"));
  try {
    const path = join(made, "data.sqlite3");
    make(path);
    chmodSync(path, 0o600);
    if (owner) chownSync(path, owner.uid, owner.gid);
    clearDatabase(paths, group);
    renameSync(path, paths.database(group));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** An agent may have closed its own folder to its user. */
function openUp(path: string): void {
  if (process.getuid?.() !== 0 && !lstatSync(path).isSymbolicLink()) chmodSync(path, 0o700);
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  closeSync(folder);
}

/** A log that stayed behind would be taken for the new database's. */
export function clearDatabase(paths: SharedLoginPaths, group: Folder): void {
  const folder = paths.folder(group);
  if (!lstatSync(folder, { throwIfNoEntry: false })) mkdirSync(folder, { mode: 0o700 });
  openUp(folder);
  for (const suffix of ["-wal", "-shm", "-journal", ""]) {
    const path = `${paths.database(group)}${suffix}`;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    // A folder is left to the agent under another name: emptying it would follow what stands in it.
    if (stat?.isDirectory()) renameSync(path, join(folder, `was-${randomName(12)}`));
    else if (stat) unlinkSync(path);
  }
}
