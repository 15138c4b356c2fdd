import type { Stats } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "../home.ts";
import { copyPrivately, stamp } from "../store/kiro-copy.ts";
import type { StateCopy } from "./copy-state.ts";
import { encodeName } from "./entry-name.ts";
import { CHECKSUMS, MANIFEST, type Checksums, type Manifest } from "./manifest.ts";
import { swelling } from "./measure.ts";
import { ALLOWLIST, DATABASES, HOME, isAgents, isKiroDatabase, LOGS, SETTINGS, TREES } from "./places.ts";
import { openFile } from "./read-file.ts";
import type { Entry } from "./tar-blocks.ts";
import { walkTree, type Found } from "./walk-tree.ts";
import { tarEnd, tarEntry, textEntry, type Content } from "./write-tar.ts";

/** What is backed up. */
export interface Sources {
  home: Pick<Home, "root">;
  /** Lies outside of the home. */
  allowlist: string;
  withLogs: boolean;
  now: number;
}

export interface ArchiveOptions extends Sources {
  manifest: Manifest;
  state: StateCopy;
  scratch: string;
  /** Without what takes more room in it than on the disk. */
  isLean: boolean;
  /** Filled while the archive is written. */
  checksums: Checksums;
}

/** The whole archive: what it is, the databases, the files as they are found, and what was written. */
export async function* archiveBytes(options: ArchiveOptions): AsyncGenerator<Buffer> {
  const { home, allowlist, manifest, state, checksums } = options;
  const seconds = options.now / 1000;
  yield* tarEntry(textEntry(MANIFEST, JSON.stringify(manifest, null, 2), seconds));
  for (const { path, at } of state.databases) yield* fileEntry(options, { path: `${HOME}/${path}`, at });
  yield* fileEntry(options, { path: `${HOME}/${SETTINGS}`, at: await followed(join(home.root, SETTINGS)) });
  yield* fileEntry(options, { path: ALLOWLIST, at: await followed(allowlist) });
  const swells = swelling();
  for (const { tree, at } of await treesOf(options)) {
    for await (const found of walkTree(at, tree)) {
      const why = options.isLean && found.kind === "file" ? swells(found.stat) : undefined;
      const { path } = found;
      yield* foundEntry(options, why === undefined ? found : { kind: "left-out", path, why, missed: true });
    }
  }
  yield* tarEntry(textEntry(CHECKSUMS, JSON.stringify(checksums), seconds));
  yield tarEnd();
}

/** What a person put in its place, a link to another disk perhaps, is followed; what lies below is not. */
async function treesOf({ home, withLogs, state }: ArchiveOptions): Promise<{ tree: string; at: string }[]> {
  const trees = [];
  for (const tree of withLogs ? [...TREES, LOGS] : TREES) {
    const at = tree === "data/outbox" ? state.outbox : await followed(join(home.root, tree));
    if (at !== undefined) trees.push({ tree, at });
  }
  return trees;
}

const followed = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined);

async function* foundEntry(options: ArchiveOptions, found: Found): AsyncGenerator<Buffer> {
  const { checksums } = options;
  if (found.kind === "left-out") {
    const { path, why, missed } = found;
    checksums.leftOut.push({ path, why, missed });
    return;
  }
  // It is there already, from its copy.
  if (DATABASES.some((database) => database === found.path)) return;
  const path = `${HOME}/${found.path}`;
  if (found.kind === "folder") yield* kept(options, { entry: entryOf(path, "folder", found.stat), path });
  else if (found.kind === "link") yield* linkEntry(options, found);
  else if (isKiroDatabase(found.path)) yield* kiroEntries(options, found);
  else yield* fileEntry(options, { path, at: found.at });
}

/** A person's own link, to another disk perhaps, has what somebody would miss behind it. */
async function* linkEntry(options: ArchiveOptions, found: Found & { kind: "link" }): AsyncGenerator<Buffer> {
  const { path, stat, target } = found;
  const name = `${HOME}/${path}`;
  if (!isAgents(path) || /^groups\/[^/]+$/.test(path)) {
    const why = `it is a link to ${target}, and what lies there is not backed up`;
    options.checksums.leftOut.push({ path, why, missed: true });
  }
  if (isAgents(path)) yield* kept(options, { entry: { ...entryOf(name, "link", stat), target }, path: name });
}

/** SQLite that another program may be writing to: database and log as they were at one moment. */
async function* kiroEntries(options: ArchiveOptions, found: Found & { kind: "file" }): AsyncGenerator<Buffer> {
  const { checksums, scratch } = options;
  const before = stamp(found.at);
  using copy = copyOf(found.at, scratch);
  if (copy.kind === "missing") return;
  if (copy.kind !== "copy") {
    const why = copy.kind === "refused" ? copy.problem : `it has ${copy.bytes} bytes`;
    checksums.leftOut.push({ path: found.path, why, missed: true });
    return;
  }
  const path = `${HOME}/${found.path}`;
  if (stamp(found.at) !== before) checksums.changed.push(found.path);
  for (const suffix of ["", "-wal"])
    yield* fileEntry(options, { path: path + suffix, at: copy.path + suffix, stat: found.stat });
}

const noCopy: Disposable = { [Symbol.dispose]: () => {} };

function copyOf(path: string, scratch: string) {
  const copy = copyPrivately({ path, scratch, hostile: false, mostBytes: Number.MAX_SAFE_INTEGER });
  return copy.kind === "copy" ? copy : { ...copy, ...noCopy };
}

interface FileToAdd {
  path: string;
  /** Undefined: there is none. */
  at: string | undefined;
  /** Whose, and with which rights, when it is a copy. */
  stat?: Stats;
}

async function* fileEntry(options: ArchiveOptions, { path, at, stat }: FileToAdd): AsyncGenerator<Buffer> {
  if (at === undefined) return;
  const opened = await openFile(at);
  if (opened.kind === "gone") return;
  if (opened.kind === "refused") {
    options.checksums.leftOut.push({ path: inHome(path), why: opened.why, missed: true });
    return;
  }
  await using file = opened.file;
  const { size } = file.stat;
  const entry = { ...entryOf(path, "file", stat ?? file.stat), size };
  yield* kept(options, { entry, path, bytes: file.bytes });
  if (await file.changed()) options.checksums.changed.push(inHome(path));
}

/** As a person names it. */
const inHome = (path: string): string => path.replace(`${HOME}/`, "");

async function* kept({ checksums }: ArchiveOptions, content: Content): AsyncGenerator<Buffer> {
  checksums.entries.push(yield* tarEntry(content));
}

const entryOf = (path: string, type: Entry["type"], { mode, uid, gid, mtimeMs }: Stats): Entry => ({
  ...{ name: encodeName(path), type, mode, uid, gid, mtime: mtimeMs / 1000, size: 0 },
});
