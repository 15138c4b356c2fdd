import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { passingReason, StoreError } from "../store/database.ts";
import { holdDatabase } from "../store/fork-hold.ts";
import { removeDatabase, syncFile } from "../store/fork-ledger.ts";
import { lookAtDatabase } from "../store/fork-look.ts";
import { buildLedger } from "./build-ledger.ts";
import { moveSettings, stampOf, type MovedIn, type MoveOptions } from "./move-settings.ts";
import { lookForLeftovers, oldPaths, type OldPaths } from "./old-home.ts";
import { putInPlace, type Renaming } from "./put-in-place.ts";
import { recognise, type Recognised } from "./recognise.ts";
import { summary, writeReport } from "./report.ts";
import { stageFolders } from "./stage-folders.ts";
import { whoUses } from "./who-uses.ts";

/**
 * Takes over what the old system left in this very home, before its ledger is opened. The caller
 * holds the home's lock. Cut off at any moment, the home is either the old system's, and taken over
 * the next time, or ours.
 * @returns undefined when there is nothing to take over.
 * @throws {StoreError} when it cannot be done; nothing of the old system was changed then.
 */
export async function takeOverOldHome(options: MoveOptions): Promise<MovedIn | undefined> {
  const paths = oldPaths(options.home.root);
  if (whatIsIn(paths) !== "fork") return undefined;
  await refuseWhileUsed(options, paths.database);
  const backup = join(options.home.store, `before-nanoclaw-${stampOf(options.clock.now())}`);
  try {
    return await takeOver(options, paths, backup);
  } catch (error) {
    if (isStillOld(paths)) for (const path of [backup, `${backup}.part`]) remove(path);
    removeDatabase(newLedger(options));
    remove(join(paths.groups, ".moving-in"));
    throw explainMove(error);
  }
}

/** Whoever cannot tell keeps the copy. */
function isStillOld(paths: OldPaths): boolean {
  try {
    return whatIsIn(paths) !== "ours";
  } catch {
    return false;
  }
}

/** @throws {StoreError} when it is no database that we know. */
export function whatIsIn(paths: OldPaths): Recognised {
  const look = lookAtDatabase(paths.database);
  const found = recognise(look, paths.json.has("registered_groups.json"));
  if (found !== "other" || look.kind !== "tables") return found;
  const tables = [...look.tables.keys()].join(", ");
  throw new StoreError(
    `The database ${paths.database} belongs to a program that NanoClaw does not know (it has the tables ${tables}). Move it away, or set NANOCLAW_HOME to another folder.`,
  );
}

async function takeOver(options: MoveOptions, paths: OldPaths, backup: string): Promise<MovedIn> {
  const { home, checkpoint = () => {} } = options;
  dropParts(home.store);
  const settings = moveSettings(options, home.auth);
  const leftovers = lookForLeftovers(home.root, options.personsHome);
  using held = existsSync(paths.database) ? holdDatabase(paths.database) : undefined;
  const part = `${backup}.part`;
  await backUp(paths, part, (target) => held?.copyTo(target));
  checkpoint("backed-up");
  const report = reportPath(options, settings.now);
  const target = newLedger(options);
  const source = { database: join(part, "messages.db"), original: paths.database, paths, leftovers };
  const built = buildLedger({ ...source, settings, target, report });
  checkpoint("built");
  const suffix = `-before-nanoclaw-${stampOf(settings.now)}`;
  const staged = stageFolders({ groups: built.plan.groups.groups, from: paths.groups, to: paths.groups, suffix });
  checkpoint("copied");
  const others = [{ from: part, to: backup }, ...staged.renamings, ...aside(join(home.root, "data", "extra"), suffix)];
  // A service manager may have started it meanwhile: what it wrote from now on would be lost.
  await refuseWhileUsed(options, paths.database);
  if (held && !held.isAlone()) throw new StoreError(`Another process writes to ${paths.database}. Stop it first.`);
  const facts = { ...built, settings, from: home.root, backup, files: [...staged.lines, SHUT], dryRun: false };
  writeFileSync(report, writeReport(facts), { mode: 0o600 });
  putInPlace(target, paths.database, others);
  checkpoint("renamed");
  remove(join(paths.groups, ".moving-in"));
  setJsonAside(paths);
  shut(home.root);
  return { report, backup, summary: summary(built.plan, built.count) };
}

/** What attempts that were cut off had begun to copy. */
export function dropParts(store: string): void {
  for (const name of readdirSync(store)) if (/^before-nanoclaw-.*\.part$/.test(name)) remove(join(store, name));
}

const SHUT =
  "data, groups, logs and .env: as they are, but for you alone; other users of this machine could read them.";

/** The folder gets its name when the home becomes ours: until then it is an attempt that may have been cut off. */
async function backUp(
  paths: OldPaths,
  part: string,
  copyDatabase: (target: string) => Promise<void> | undefined,
): Promise<void> {
  mkdirSync(part, { recursive: true, mode: 0o700 });
  await copyDatabase(join(part, "messages.db"));
  if (existsSync(join(part, "messages.db"))) syncFile(join(part, "messages.db"));
  for (const path of paths.json.values()) copyFileSync(path, join(part, basename(path)));
  syncFile(part);
}

/** The old system's mount points lie where ours will be made. */
const aside = (folder: string, suffix: string): Renaming[] =>
  existsSync(folder) ? [{ from: folder, to: folder + suffix }] : [];

/** As the old system did with what it had taken in. */
function setJsonAside({ json }: OldPaths): void {
  for (const path of json.values()) {
    try {
      renameSync(path, `${path}.migrated`);
    } catch {
      // they count for nothing any more
    }
  }
}

/** The old system let every user of the machine look in. What is another's stays; `doctor` names it. */
function shut(root: string): void {
  for (const name of ["data", "groups", "ipc", "logs", ".env"]) {
    try {
      chmodSync(join(root, name), name === ".env" ? 0o600 : 0o700);
    } catch {
      // it is not there, or not ours
    }
  }
}

export async function refuseWhileUsed({ clock }: Pick<MoveOptions, "clock">, database: string): Promise<void> {
  if (!existsSync(database)) return;
  const pids = await whoUses(clock, database);
  if (!pids) {
    throw new StoreError(
      `It cannot be told whether the old system still runs: lsof ${database} does not answer. Stop the old system and try again; when it says so again, end and start this machine. Nothing was changed.`,
    );
  }
  if (pids.length === 0) return;
  const who = pids.length === 1 ? `process ${pids[0]}` : `processes ${pids.join(", ")}`;
  throw new StoreError(
    `The old system still runs (${who} has ${database} open). Stop it first, so that it neither loses messages nor keeps the WhatsApp link: on a Mac with launchctl unload ~/Library/LaunchAgents/com.nanoclaw.plist, on Linux with systemctl --user stop nanoclaw, or with Ctrl-C where it was started by hand. Nothing was changed.`,
  );
}

export function explainMove(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const isFull = (error as NodeJS.ErrnoException | null)?.code === "ENOSPC";
  const reason = isFull ? "the disk is full" : (passingReason(error) ?? (error as Error).message);
  return new StoreError(
    `What the old system left could not be taken over: ${reason}. Nothing of it was changed. See to that and start again.`,
    { cause: error },
  );
}

export const newLedger = ({ home }: Pick<MoveOptions, "home">): string => join(home.store, "messages.db.moving-in");
export const reportPath = ({ home }: Pick<MoveOptions, "home">, now: number): string =>
  join(home.root, "data", `moved-in-${stampOf(now).slice(0, 19)}.md`);

export function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // what failed before is what counts
  }
}
