import { lstat, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../domain/clock.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { takeAway } from "./read-request.ts";

export interface BadFile {
  file: Buffer;
  /** A folder of the agent's own, for what cannot be taken apart. */
  aside: string;
  name: string;
  problem: string;
  /** What was read of it; empty when nothing was. */
  text: string;
}

export interface QuarantineOptions {
  folder: Folder;
  errorsFolder: string;
  clock: Clock;
  log: Log;
}

/** Keeps what can be kept for whoever looks into it, with a note that says what was wrong. */
export async function quarantine(
  { folder, errorsFolder, log, clock }: QuarantineOptions,
  { file, aside, name, problem, text }: BadFile,
): Promise<void> {
  const safeName = `${folder}-${clock.now()}-${name.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 64)}`;
  log.warn({ group: folder, name: safeName, problem }, "Malformed request");
  if (text !== "") await writeFile(join(errorsFolder, safeName), text, { mode: 0o600 });
  await writeFile(join(errorsFolder, `${safeName}.note`), `${problem}\n`, { mode: 0o600 });
  await takeAway(file, join(aside, safeName));
}

const KEPT_ERRORS = 200;

/** An agent that floods us must not fill the disk: once a pass, not once a file. */
export async function keepNewest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= KEPT_ERRORS) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, age: (await lstat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const surplus = aged.sort((a, b) => a.age - b.age).slice(0, aged.length - KEPT_ERRORS);
  await Promise.all(surplus.map(({ name }) => rm(join(folder, name), { force: true })));
}
