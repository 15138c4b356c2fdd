import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assertOwn, type Home } from "../home.ts";
import { checkLink, holdsAnything, openRestored } from "../store/backup-restored.ts";
import { lockHome } from "../store/home-lock.ts";
import { BackupError, inWords } from "./backup-error.ts";
import { EXTRACTED_ALLOWLIST, extractTo } from "./extract.ts";
import type { LeftOut } from "./manifest.ts";
import { readBackup } from "./read-backup.ts";
import { assertOneDisk } from "./one-disk.ts";
import { asideName, carryOut, extracted, partsIn, readPlan, syncFolder, writePlan, type Plan } from "./restore-plan.ts";

export interface RestoreOptions {
  /** Absolute. */
  file: string;
  home: Home;
  /** Lies outside of the home. */
  allowlist: string;
  /** What is in the home is put aside. */
  replace: boolean;
  /** How old a call may be that is still answered, by the settings in that folder. */
  ageLimit(home: string): number;
  now: number;
  signal: AbortSignal;
}

export interface RestoreReport {
  home: string;
  version: string;
  created: string;
  /** It brought a WhatsApp link. */
  linked: boolean;
  /** Folder with what was there before; null: nothing was. */
  aside: string | null;
  /** Whether the backup's list of folders for groups is in its place. */
  allowlist: "none" | "restored" | "same" | "kept";
  /** Messages that waited for an answer and are too old by now. */
  passedOver: number;
  /** What the backup says is not in it. */
  leftOut: LeftOut[];
  /** Files that were written to while they were backed up. */
  changed: string[];
}

/**
 * Brings a home back. Everything is looked at first, in a folder of its own: an archive that is not whole
 * changes nothing.
 * @throws {BackupError | StoreError}
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { home } = options;
  using held = holdHome(home);
  try {
    return await goOn(options, held);
  } catch (error) {
    const isBegun = existsSync(home.restoring);
    if (!isBegun) await rm(dirname(home.restoring), { recursive: true, force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new BackupError(
      isBegun
        ? `The restore is not finished: ${(error as Error).message}. Cure that, and run the same again.`
        : `Nothing was restored: ${inWords(error, home.root)}.`,
    );
  }
}

async function goOn(options: RestoreOptions, held: HeldHome): Promise<RestoreReport> {
  const { home, file, replace } = options;
  const pending = readPlan(home);
  if (pending?.file === file) return finish(options, pending, [], []);
  if (pending)
    throw new BackupError(`A restore was cut off here. Finish it first: npm run nanoclaw -- restore ${pending.file}`);
  if (!replace && holdsAnything({ ledger: home.database, link: join(home.auth, "state.db") }))
    throw new BackupError(
      `${home.root} has messages, groups, tasks or a WhatsApp link already. To put them aside into a folder there, and take the backup instead, add --replace.`,
    );
  const folder = dirname(home.restoring);
  await rm(folder, { recursive: true, force: true });
  return prepare(options, held, folder);
}

async function prepare(options: RestoreOptions, held: HeldHome, folder: string): Promise<RestoreReport> {
  const { file, home, now, signal } = options;
  await mkdir(folder, { mode: 0o700 });
  const { sink, finish: settle } = extractTo(folder);
  const { manifest, checksums } = await readBackup(file, sink, signal);
  const passedOver = openExtracted(options);
  settle();
  if (signal.aborted) throw new BackupError("Interrupted: nothing was restored.");
  const { version, created } = manifest;
  assertOneDisk(home);
  held.holdLink();
  const aside = asideName(home, now);
  const plan: Plan = { ...{ file, version, created, aside, passedOver }, parts: partsIn(home) };
  await writePlan(home, plan);
  return finish(options, plan, checksums.leftOut, checksums.changed);
}

/** What cannot be opened is no backup, whatever its sums say. */
function openExtracted({ home, ageLimit, now }: RestoreOptions): number {
  const [ledger, link] = [extracted(home, "store/messages.db"), extracted(home, "store/auth/state.db")];
  if (existsSync(link)) checkLink(link);
  return existsSync(ledger) ? openRestored(ledger, now - ageLimit(extracted(home, "")), now) : 0;
}

async function finish(
  { home, allowlist }: RestoreOptions,
  plan: Plan,
  leftOut: LeftOut[],
  changed: string[],
): Promise<RestoreReport> {
  const folder = dirname(home.restoring);
  const aside = carryOut(home, plan);
  const outside = placeAllowlist(join(folder, EXTRACTED_ALLOWLIST), allowlist);
  for (const changedFolder of [home.root, home.store]) await syncFolder(changedFolder);
  // The plan goes first: without it, what is left of the folder is rubbish.
  await rm(home.restoring);
  await rm(folder, { recursive: true, force: true });
  const { version, created, passedOver } = plan;
  return {
    ...{ home: home.root, version, created, passedOver, leftOut, changed, allowlist: outside },
    linked: plan.parts.includes("store/auth"),
    aside: aside.length > 0 ? join(home.root, plan.aside) : null,
  };
}

/** It says what agents may see of this machine: what a person wrote here stays. */
function placeAllowlist(from: string, to: string): RestoreReport["allowlist"] {
  if (!existsSync(from)) return "none";
  const content = readFileSync(from);
  if (existsSync(to)) return readFileSync(to).equals(content) ? "same" : "kept";
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  writeFileSync(to, content, { mode: 0o600, flag: "wx" });
  return "restored";
}

interface HeldHome extends Disposable {
  /** The link, too, as soon as there is one: `auth` does not ask for the home. */
  holdLink(): void;
}

/** @throws {BackupError | StoreError} when a host, or `auth`, works in this home, or it is another user's. */
function holdHome(home: Home): HeldHome {
  assertOwn(home);
  try {
    mkdirSync(home.store, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new BackupError(`Nothing can be restored to ${home.root}: ${inWords(error, home.root)}.`);
  }
  using opening = new DisposableStack();
  opening.use(lock(home.store, home));
  let link = existsSync(home.auth) ? opening.use(lock(home.auth, home)) : undefined;
  const held = opening.move();
  return {
    holdLink: () => {
      if (existsSync(home.auth)) link ??= held.use(lock(home.auth, home));
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

function lock(folder: string, home: Home): Disposable {
  const locked = lockHome(folder, "nanoclaw restore");
  if ("lock" in locked) return locked.lock;
  const who = locked.heldBy ? `${locked.heldBy.what}, process ${locked.heldBy.pid}` : "another program";
  throw new BackupError(`The home ${home.root} is in use (${who}). Stop that first; nothing was changed.`);
}
