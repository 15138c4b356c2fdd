import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Home } from "../home.ts";
import { BackupError } from "./backup-error.ts";
import { EXTRACTED_HOME } from "./extract.ts";
import { DATABASES, LOGS, SETTINGS, TREES } from "./places.ts";

const planSchema = z.object({
  /** The archive, as a path. */
  file: z.string(),
  version: z.string(),
  created: z.string(),
  /** What the archive brings, below the home. */
  parts: z.array(z.string()),
  /** Where what was there before goes. */
  aside: z.string(),
  passedOver: z.number(),
});
/** Written when everything is extracted and proved: from then on the restore is only to be finished. */
export type Plan = z.infer<typeof planSchema>;

/** The others are part of a tree. */
const databases: string[] = DATABASES.filter((path) => !path.startsWith("store/auth/"));
/** State of which nothing may stay from before, whether or not the archive brings it. */
const wholeState = [...databases, ...TREES, ...["ipc", "data/ipc-errors"]];
/** What stays as it is unless the archive brings it. */
export const parts: readonly string[] = [...wholeState, SETTINGS, LOGS];

export const extracted = (home: Home, part: string): string => join(dirname(home.restoring), EXTRACTED_HOME, part);

export const partsIn = (home: Home): string[] => parts.filter((part) => existsSync(extracted(home, part)));

/** What a restore that was cut off has left to do. @throws {BackupError} */
export function readPlan(home: Home): Plan | undefined {
  let text: string;
  try {
    text = readFileSync(home.restoring, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BackupError(`${home.restoring} cannot be read: ${(error as Error).message}.`);
  }
  const plan = planSchema.safeParse(parsed(text));
  if (plan.success) return plan.data;
  throw new BackupError(`${home.restoring} is damaged. What was extracted lies beside it; move that folder away.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A name for what is put aside that nobody has yet. */
export function asideName(home: Home, now: number): string {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  const name = `before-restore-${time.replaceAll(":", "")}`;
  const isTaken = (candidate: string) => existsSync(join(home.root, candidate));
  let free = name;
  for (let n = 2; isTaken(free); n += 1) free = `${name}-${n}`;
  return free;
}

export async function writePlan(home: Home, plan: Plan): Promise<void> {
  const path = `${home.restoring}.tmp`;
  {
    await using file = await open(path, "w", 0o600);
    await file.writeFile(JSON.stringify(plan, null, 2));
    await file.sync();
  }
  await rename(path, home.restoring);
  await syncFolder(dirname(home.restoring));
}

export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync().catch(() => {}); // not every file system can
}

/**
 * Puts everything in its place by renaming. Each step is one that was done, or can be done again: killed in
 * between, the same call goes on. @returns what was put aside.
 */
export function carryOut(home: Home, plan: Plan): string[] {
  for (const part of parts) {
    const [from, to] = [extracted(home, part), join(home.root, part)];
    const brings = plan.parts.includes(part);
    const isDue = brings ? existsSync(from) : wholeState.includes(part);
    if (!isDue) continue;
    putAside(home, plan, part);
    if (brings) move(from, to);
  }
  return parts.filter((part) => isThere(join(home.root, plan.aside, part)));
}

/**
 * With what SQLite keeps beside a database, under one name. Something may have been made anew after an
 * attempt that was cut off: what lies aside already is what somebody had before, and stays.
 */
function putAside(home: Home, { aside }: Plan, part: string): void {
  const suffixes = (databases.includes(part) ? ["-wal", "-shm", ""] : [""]).filter((suffix) =>
    isThere(join(home.root, part + suffix)),
  );
  const isTaken = (name: string) => isThere(name) || suffixes.some((suffix) => isThere(name + suffix));
  let name = join(home.root, aside, part);
  for (let n = 2; isTaken(name); n += 1) name = join(home.root, aside, `${part}-${n}`);
  for (const suffix of suffixes) move(join(home.root, part + suffix), name + suffix);
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function move(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  renameSync(from, to);
}
