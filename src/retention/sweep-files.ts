import type { Stats } from "node:fs";
import { lstat, opendir, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Cutoffs, Removed } from "../domain/retention.ts";
import { parseFolder } from "../domain/ids.ts";
import type { Home } from "../home.ts";
import { openFolder } from "../ipc/open-folder.ts";
import { OUTBOX_FILES } from "../store/outbox.ts";
import type { NamedFile } from "../store/retention.ts";
import type { Store } from "../store/store.ts";
import type { Rest } from "./sweep-ledger.ts";

export interface FileSweepOptions {
  store: Store;
  home: Home;
  cutoffs: Cutoffs;
  removed: Removed;
  rest: Rest;
}

/** Files that rows named which are gone, or which are too old to name them. */
export async function removeNamed(
  { store, home, removed }: Pick<FileSweepOptions, "store" | "home" | "removed">,
  files: readonly NamedFile[],
): Promise<void> {
  const needed = new Map<string, ReadonlySet<string>>();
  for (const { folder, path } of files) {
    if (!parseFolder(folder).ok) continue;
    const held = needed.get(folder) ?? store.retention.neededFiles(folder);
    needed.set(folder, held);
    // A message that came under two ids of its sender names one file twice.
    if (held.has(path)) continue;
    const place = path.startsWith("inbox/") ? join(home.root, "data", "inbox", folder) : outboxOf(home, folder);
    if (await isRemoved(join(place, basename(path)))) removed.files += 1;
  }
}

const outboxOf = (home: Home, folder: string): string => join(home.root, OUTBOX_FILES, folder);

const isRemoved = (path: string): Promise<boolean> =>
  unlink(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );

const DAY_MS = 24 * 60 * 60_000;

/** Files in the folders of media that no row names, and copies of what left. */
export async function sweepMedia({ store, home, cutoffs, removed, rest }: FileSweepOptions): Promise<void> {
  if (cutoffs.media === -Infinity) return;
  const inbox = join(home.root, "data", "inbox");
  for (const folder of await foldersIn(inbox)) {
    const needed = store.retention.neededFiles(folder);
    // A file is some minutes older than its message: whoever is named still shall be found.
    const isOld = (name: string, age: number) => age < cutoffs.media - DAY_MS && !needed.has(`inbox/${name}`);
    removed.files += await removeOld(join(inbox, folder), isOld, rest);
  }
  for (const folder of await foldersIn(join(home.root, OUTBOX_FILES))) {
    const isOld = (name: string, age: number) => age < cutoffs.media && store.retention.mayCopyGo(name);
    // Only the host writes there, and a backup touches each of them by giving it another name.
    removed.files += await removeOld(outboxOf(home, folder), isOld, rest, ({ mtimeMs }) => mtimeMs);
  }
}

/** What agents reported in turns that are over, and requests that nobody could read. */
export async function sweepJournals({ store, home, cutoffs, removed, rest }: FileSweepOptions): Promise<void> {
  if (cutoffs.journals === -Infinity) return;
  const isOver = (name: string): boolean => {
    const turn = /^([a-z0-9]{12})-\d+\.ndjson$/.exec(name)?.[1];
    const status = turn === undefined ? "running" : store.turns.find(turn)?.status;
    return status !== "queued" && status !== "running";
  };
  for (const folder of await foldersIn(home.ipc)) {
    const isOld = (name: string, age: number) => age < cutoffs.journals && isOver(name);
    removed.journals += await removeOld(join(home.ipc, folder, "journal"), isOld, rest);
  }
  removed.journals += await removeOld(home.ipcErrors, (_, age) => age < cutoffs.journals, rest);
}

async function foldersIn(path: string): Promise<string[]> {
  const folders: string[] = [];
  for await (const entry of (await opendir(path).catch(() => undefined)) ?? []) {
    if (entry.isDirectory() && parseFolder(entry.name).ok) folders.push(entry.name);
  }
  return folders;
}

/** Names of one folder that are looked at: an agent can make more than anybody wants to read. */
const MOST_READ = 100_000;
const AT_ONCE = 200;

/** When it was last touched in any way: whoever owns a file can set its other times as they like. */
const touchedAt = ({ ctimeMs }: Stats): number => ctimeMs;

/** @param isOld by name and by the file's time, epoch ms. */
async function removeOld(
  path: string,
  isOld: (name: string, age: number) => boolean,
  rest: Rest,
  timeOf: (stat: Stats) => number = touchedAt,
): Promise<number> {
  const opened = await openFolder(path);
  if (!opened) return 0;
  await using folder = opened;
  let [read, count] = [0, 0];
  for await (const { name } of await opendir(folder.path)) {
    const file = join(folder.path, name);
    const stat = await lstat(file).catch(() => undefined);
    if (stat?.isFile() && isOld(name, timeOf(stat)) && (await isRemoved(file))) count += 1;
    read += 1;
    if (read === MOST_READ) break;
    if (read % AT_ONCE === 0 && !(await rest())) break;
  }
  return count;
}
