import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { StoreError } from "../store/database.ts";
import { lookAtOwnLedger, type OwnLedger } from "../store/fork-fresh.ts";
import { holdDatabase } from "../store/fork-hold.ts";
import { removeDatabase } from "../store/fork-ledger.ts";
import { buildLedger, type Built } from "./build-ledger.ts";
import { copyTree } from "./copy-tree.ts";
import { moveSettings, stampOf, type MovedIn, type MoveOptions } from "./move-settings.ts";
import { lookForLeftovers, oldPaths, readEnv, type OldLeftovers, type OldPaths } from "./old-home.ts";
import { putInPlace } from "./put-in-place.ts";
import { summary, writeReport } from "./report.ts";
import { isRenamed, stageFolders, type StagedFolders } from "./stage-folders.ts";
import { dropLink, lockLink, stageLink } from "./stage-link.ts";
import { dropParts, explainMove, newLedger, refuseWhileUsed, remove, reportPath, whatIsIn } from "./take-over.ts";

export interface MoveFrom extends MoveOptions {
  /** The old folder; nothing in it is changed. */
  from: string;
  /** The process environment, which wins over what stands in files. */
  env: NodeJS.ProcessEnv;
}

/**
 * Copies what another folder's old system left into this home. The caller holds the home's lock.
 * @throws {StoreError} when it cannot be done; this home's ledger is as before then.
 */
export async function moveFrom(options: MoveFrom): Promise<MovedIn> {
  const { home, from, clock } = options;
  const old = oldPaths(from);
  const own = needFresh(options);
  await refuseWhileUsed(options, old.database);
  const backup = join(home.store, `before-nanoclaw-${stampOf(clock.now())}`);
  try {
    return await move(options, old, own, backup);
  } catch (error) {
    removeDatabase(newLedger(options));
    dropLink(home);
    for (const path of [backup, `${backup}.part`, join(home.root, "groups", ".moving-in")]) remove(path);
    throw explainMove(error);
  }
}

/** What a move would do; nothing is written but in a folder of its own, which goes. */
export function previewMove(options: MoveFrom): string {
  const work = mkdtempSync(join(tmpdir(), "nanoclaw-move-in-"));
  try {
    const old = oldPaths(options.from);
    const copy = copyOld(old, join(work, "old"));
    const settings = moveSettings(options, old.auth, oldNames(options));
    const leftovers = leftoversFor(options);
    const source = { database: copy, original: old.database, paths: old, leftovers };
    const built = buildLedger({ ...source, settings, target: join(work, "messages.db"), report: "" });
    return writeReport({ ...built, settings, from: options.from, backup: undefined, files: [], dryRun: true });
  } catch (error) {
    throw explainMove(error);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function move(options: MoveFrom, old: OldPaths, own: OwnLedger, backup: string): Promise<MovedIn> {
  const { home, from, checkpoint = () => {} } = options;
  const part = `${backup}.part`;
  dropParts(home.store);
  const copy = copyOld(old, part);
  checkpoint("backed-up");
  const settings = moveSettings(options, old.auth, oldNames(options));
  const leftovers = leftoversFor(options);
  const report = reportPath(options, settings.now);
  const target = newLedger(options);
  const source = { database: copy, original: old.database, paths: old, leftovers };
  const built = buildLedger({ ...source, settings, target, kept: own.settings, report });
  checkpoint("built");
  const suffix = `-before-nanoclaw-${stampOf(settings.now)}`;
  using _auth = lockLink(home);
  const [groups, link] = [copyGroups(options, built, suffix), stageLink(home, old, backup)];
  const files = [...groups.lines, ...link.lines, ...copySettings(options)];
  checkpoint("copied");
  await refuseWhileUsed(options, old.database);
  writeFileSync(report, writeReport({ ...built, settings, from, backup, files, dryRun: false }), { mode: 0o600 });
  putInPlace(target, home.database, [{ from: part, to: backup }, ...groups.renamings, ...link.renamings]);
  checkpoint("renamed");
  remove(join(home.root, "groups", ".moving-in"));
  return { report, backup, summary: summary(built.plan, built.count) };
}

/** @throws {StoreError} when this home has something to lose. */
function needFresh({ home }: MoveFrom): OwnLedger {
  const here = whatIsIn(oldPaths(home.root));
  if (here === "fork") {
    throw new StoreError(
      `${home.root} holds an old system itself, which is taken over at the next start. Set NANOCLAW_HOME to an empty folder for the other one.`,
    );
  }
  if (here === "damaged") throw new StoreError(`The database ${home.database} is damaged. Move it away first.`);
  const own = lookAtOwnLedger(home.database);
  if (own.messages + own.tasks + own.groups === 0) return own;
  throw new StoreError(
    `This home (${home.root}) is in use: ${own.messages} messages, ${own.tasks} tasks, ${own.groups} groups besides main. Two histories cannot be made one. Set NANOCLAW_HOME to an empty folder, or, if nothing here is worth keeping, move its ledger away: mv ${home.database} ${home.database}.old`,
  );
}

const JOURNALS = ["", "-wal", "-journal"];

/** Byte by byte, as nothing may be changed there; what lies in journals is taken in here. */
function copyOld(old: OldPaths, folder: string): string {
  const kind = existsSync(old.database) || old.json.has("registered_groups.json");
  if (!kind) throw new StoreError(`There is no old system in ${old.root}: it has no store/messages.db.`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const copy = join(folder, "messages.db");
  for (const path of old.json.values()) copyFileSync(path, join(folder, basename(path)));
  if (existsSync(old.database)) {
    copyUnchanged(old.database, copy);
    const found = whatIsIn({ ...oldPaths(folder), database: copy, json: old.json });
    if (found !== "fork") throw new StoreError(notOld(old, found));
    holdDatabase(copy)[Symbol.dispose]();
  }
  return copy;
}

function notOld({ root, database }: OldPaths, found: string): string {
  if (found === "ours")
    return `${root} is a home of this NanoClaw already. Use it as it is (NANOCLAW_HOME=${root}), or bring it here with nanoclaw backup and nanoclaw restore.`;
  if (found === "damaged") {
    return `The old system's database ${database} is damaged. Recover what can be read with: sqlite3 ${database} .recover | sqlite3 recovered.db, and put recovered.db in its place. Nothing was changed.`;
  }
  return `There is no old system in ${root}: ${database} is empty.`;
}

/** @throws {StoreError} when somebody writes to it all the time. */
function copyUnchanged(database: string, copy: string): void {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const before = stateOf(database);
    for (const suffix of JOURNALS) {
      rmSync(copy + suffix, { force: true });
      if (existsSync(database + suffix)) copyFileSync(database + suffix, copy + suffix);
    }
    if (stateOf(database) === before) return;
  }
  throw new StoreError(`Something keeps writing to ${database}. Stop the old system first.`);
}

function stateOf(database: string): string {
  const stats = JOURNALS.map((suffix) => statSync(database + suffix, { throwIfNoEntry: false }));
  return stats.map((stat) => (stat ? `${stat.ino}:${stat.size}:${stat.mtimeMs}` : "-")).join(" ");
}

/** Both homes' folders: a name that lies in either is nobody else's. */
function leftoversFor({ from, home, personsHome }: MoveFrom): OldLeftovers {
  const [old, own] = [from, home.root].map((root) => lookForLeftovers(root, personsHome));
  return { ...(old as OldLeftovers), groupFolders: [old, own].flatMap((one) => one?.groupFolders ?? []) };
}

function copyGroups({ home, from }: MoveFrom, { plan }: Built, suffix: string): StagedFolders {
  const to = join(home.root, "groups");
  const { groups } = plan.groups;
  const old = join(from, "groups");
  const staged = stageFolders({ groups, from: old, to, suffix });
  const renamed = groups.filter(isRenamed);
  const names = existsSync(old) ? readdirSync(old) : [];
  const kept = names
    .filter((name) => !renamed.some((group) => group.from === name))
    .flatMap((name) => {
      // What no group had must not be taken for the memory of the one that gets its name.
      const isTaken = renamed.some(({ folder }) => folder === name);
      const target = join(to, isTaken ? name + suffix : name);
      return copyTree({ from: join(old, name), to: target, workplace: join(to, ".moving-in", ".part") });
    });
  const line = names.length === 0 ? [] : [`The folders below groups/: ${names.sort().join(", ")}`];
  const lines = [...line, ...kept.map((path) => `${path} was there already and stays as it was.`), ...staged.lines];
  return { ...staged, lines };
}

/** Only where there is none: what a person set here counts. */
function copySettings({ home, from }: MoveFrom): string[] {
  const [old, own] = [join(from, ".env"), join(home.root, ".env")];
  if (!existsSync(old)) return [];
  if (existsSync(own)) return [".env stays as it is here; the old one was not copied."];
  copyFileSync(old, `${own}.moving-in`);
  chmodSync(`${own}.moving-in`, 0o600);
  renameSync(`${own}.moving-in`, own);
  return [".env with its settings"];
}

/** The old settings will count here, unless there are others. */
function oldNames({ home, from, env }: MoveFrom): Record<string, string | undefined> {
  return existsSync(join(home.root, ".env")) ? {} : { ...readEnv(join(from, ".env")), ...env };
}
