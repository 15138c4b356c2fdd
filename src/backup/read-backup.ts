import { createHash } from "node:crypto";
import { knownMigrations } from "../store/backup-restored.ts";
import { BackupError } from "./backup-error.ts";
import { decodeName, placeOf, type Place } from "./entry-name.ts";
import {
  checksumsSchema,
  manifestSchema,
  newerSchema,
  type Checksums,
  type Manifest,
  type Written,
} from "./manifest.ts";
import { readTar, type ReadEntry } from "./read-tar.ts";
import { show, type Entry } from "./tar-blocks.ts";

/** What to do with what an archive holds, entry by entry; nothing of it is certain before the end. */
export interface Sink {
  begin(manifest: Manifest): Promise<void>;
  folder(place: Place, entry: Entry): Promise<void>;
  link(place: Place, entry: Entry): Promise<void>;
  /** Takes all of it. */
  file(place: Place, entry: Entry, content: AsyncIterable<Buffer>): Promise<void>;
}

export interface WholeBackup {
  manifest: Manifest;
  checksums: Checksums;
}

/** For looking at an archive without keeping anything of it. */
export const noSink: Sink = {
  begin: () => Promise.resolve(),
  folder: () => Promise.resolve(),
  link: () => Promise.resolve(),
  file: async (_place, _entry, content) => {
    for await (const _ of content);
  },
};

/** A list of a million files is shorter. */
const MOST_TEXT = 512 * 1024 * 1024;

/**
 * Reads an archive from its first to its last byte and compares every file with its sum.
 * @throws {BackupError} when it is damaged, cut off, has what does not belong there, or is newer than we are.
 */
export async function readBackup(path: string, sink: Sink, signal: AbortSignal): Promise<WholeBackup> {
  const refuse = (why: string) => new BackupError(`${path} cannot be used: ${why}. Take another backup.`);
  const seen: Seen = { entries: [], names: new Set(), folders: new Set(), manifest: undefined, sums: undefined };
  for await (const read of readTar(path, signal)) {
    const { entry } = read;
    if (seen.sums !== undefined) throw refuse(`${show(entry.name)} follows its end`);
    const place = placeOf(entry.name, entry.type === "link");
    if (place.kind === "refused") throw refuse(`it has the entry ${show(entry.name)}, and ${place.why}`);
    const problem = await take(seen, sink, place, read);
    if (problem !== undefined) throw refuse(problem);
  }
  if (!seen.manifest) throw refuse("it is no backup of NanoClaw (it has no manifest)");
  if (seen.sums === undefined) throw refuse("it was cut off (the list at its end is missing)");
  const checksums = parsed(seen.sums, checksumsSchema);
  if (!checksums) throw refuse("the list at its end is damaged");
  const difference = differenceOf(seen.entries, checksums.entries);
  if (difference !== undefined) throw refuse(difference);
  return { manifest: seen.manifest, checksums };
}

interface Seen {
  entries: Written[];
  names: Set<string>;
  folders: Set<string>;
  manifest: Manifest | undefined;
  sums: string | undefined;
}

/** @returns what is wrong with it. */
async function take(seen: Seen, sink: Sink, place: Place, { entry, content }: ReadEntry): Promise<string | undefined> {
  if (seen.names.has(entry.name)) return `it has ${show(entry.name)} twice`;
  seen.names.add(entry.name);
  if ((place.kind === "manifest") !== (seen.manifest === undefined))
    return "it is no backup of NanoClaw (its first entry is no manifest)";
  if (place.kind !== "state" && entry.type !== "file") return `${show(entry.name)} is no file`;
  if (place.kind === "manifest") {
    seen.manifest = readManifest(await textOf(content));
    if (!seen.manifest) return "its manifest is damaged, or it is no backup of NanoClaw";
    await sink.begin(seen.manifest);
    return undefined;
  }
  if (place.kind === "checksums") {
    seen.sums = await textOf(content);
    return undefined;
  }
  if (!hasParent(seen, place)) return `${show(entry.name)} lies in a folder that is not in it`;
  seen.entries.push(await pass(seen, sink, place, { entry, content }));
  return undefined;
}

/** What is no folder of the archive's own cannot have anything in it: a link would lead elsewhere. */
function hasParent({ folders }: Seen, place: Place): boolean {
  if (place.kind !== "state") return true;
  const parent = place.path.split("/").slice(0, -1).join("/");
  return ["", "store", "store/auth", "data"].includes(parent) || folders.has(parent);
}

async function pass(seen: Seen, sink: Sink, place: Place, { entry, content }: ReadEntry): Promise<Written> {
  const path = decodeName(entry.name);
  switch (entry.type) {
    case "folder":
      if (place.kind === "state") seen.folders.add(place.path);
      await sink.folder(place, entry);
      return { path, type: "folder" };
    case "link":
      await sink.link(place, entry);
      return { path, type: "link", target: entry.target ?? "" };
    case "file": {
      const hash = createHash("sha256");
      await sink.file(place, entry, hashing(content, hash));
      return { path, type: "file", size: entry.size, sha256: hash.digest("hex") };
    }
    default:
      return entry.type satisfies never;
  }
}

async function* hashing(content: AsyncIterable<Buffer>, hash: { update(bytes: Buffer): unknown }) {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > MOST_TEXT) throw new BackupError("The list at the end of this backup is too long to be one of ours.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws {BackupError} */
function readManifest(text: string): Manifest | undefined {
  const manifest = parsed(text, manifestSchema);
  const newer = parsed(text, newerSchema);
  if (newer) throw madeByNewer(newer.version);
  const known = { "store/messages.db": knownMigrations.ledger, "store/auth/state.db": knownMigrations.link };
  for (const [path, names] of Object.entries(manifest?.migrations ?? {})) {
    const ours = known[path as keyof typeof known] as ReadonlySet<string> | undefined;
    if (names.some((name) => !ours?.has(name))) throw madeByNewer(manifest?.version ?? "?");
  }
  return manifest;
}

const madeByNewer = (version: string): BackupError =>
  new BackupError(`This backup was made by a newer NanoClaw (${version}). Update this one first, then restore it.`);

function parsed<T>(text: string, schema: { safeParse(value: unknown): { data?: T | undefined } }): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The same entries with the same content, in the same order; else the first that differs. */
function differenceOf(found: readonly Written[], listed: readonly Written[]): string | undefined {
  const byPath = new Map(listed.map((entry) => [entry.path, JSON.stringify(entry)]));
  for (const entry of found) {
    const expected = byPath.get(entry.path);
    if (expected === undefined) return `${show(entry.path)} is not in its list`;
    if (expected !== JSON.stringify(entry)) return `${show(entry.path)} is damaged`;
  }
  const paths = new Set(found.map(({ path }) => path));
  const missing = listed.find(({ path }) => !paths.has(path));
  return missing && `${show(missing.path)} is missing`;
}
