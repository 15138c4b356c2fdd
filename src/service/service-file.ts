import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { defaultHomeOf } from "../config.ts";
import { ServiceError } from "./service-error.ts";
import { droppedVariables, isOurs, keptVariables, personOf, type FoundFile, type ServicePlan } from "./service-plan.ts";
import type { ServiceOptions } from "./service-port.ts";

/** @throws {ServiceError} when it is there and cannot be read. */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new ServiceError(`${path} cannot be read: ${(error as Error).message}. Correct its owner or remove it.`);
  }
}

/** Whole or not at all: a manager that reads half a file starts nothing at the next login. */
function writeServiceFile(path: string, content: string | Buffer, mode: number): void {
  const partial = `${path}.new-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(partial, "w", 0o600);
    try {
      fchmodSync(file, mode);
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    removeQuietly(partial);
    throw new ServiceError(
      `${path} cannot be written: ${(error as Error).message}. Check the disk, and who owns ${dirname(path)}.`,
    );
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // its folder is none: what failed before says it better
  }
}

/** Leaves a file that says the same already; another one stays beside it, in a copy. */
export function replaceFile(path: string, text: string, isSame: (text: string, content: Buffer) => boolean): string[] {
  const old = readIfThere(path);
  if (old && isSame(text, old)) return [`${path} is as it should be.`];
  // Somebody who put a key into it may have closed it.
  const mode = old ? statSync(path).mode & 0o777 : 0o644;
  const copy = old && keepCopy(path, old, mode);
  writeServiceFile(path, text, mode);
  return [...(copy ? [`The old file is kept as ${copy}.`] : []), `Wrote ${path}.`];
}

/** Under a name that no manager reads. */
function keepCopy(path: string, content: Buffer, mode: number): string {
  for (let number = 1; ; number += 1) {
    const copy = `${path}.bak-${number}`;
    const there = readIfThere(copy);
    if (there && !there.equals(content)) continue;
    if (!there) writeServiceFile(copy, content, mode);
    return copy;
  }
}

/** The manager makes the files, not their folder; theirs would be readable by all. */
export function makeLogFiles({ out, err }: ServicePlan): void {
  try {
    mkdirSync(dirname(out), { recursive: true, mode: 0o700 });
    for (const path of [out, err]) closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw new ServiceError(`${dirname(out)} cannot be written: ${(error as Error).message}. Check its owner.`);
  }
}

/** The home that a file of ours is for; undefined for a file of anybody else. */
export function homeOf(found: FoundFile, options: ServiceOptions): string | undefined {
  const { script, env } = found;
  if (script === undefined || !isOurs(found)) return undefined;
  return env["NANOCLAW_HOME"] || defaultHomeOf(dirname(dirname(script)), personOf(options));
}

/** @throws {ServiceError} when the service is another home's, and that home is still there. */
export function refuseOtherHome(found: FoundFile | undefined, path: string, options: ServiceOptions): void {
  const home = found && homeOf(found, options);
  if (home === undefined || home === options.home || !existsSync(join(home, "store"))) return;
  const root = found?.script ? dirname(dirname(found.script)) : "";
  throw new ServiceError(
    `${path} is the service of another home, ${home}, and there is one service per user. ` +
      `To end that one: NANOCLAW_HOME='${home}' '${root}/bin/nanoclaw' service uninstall`,
  );
}

/** What the file names and the disk no longer has. */
export function missingProgram(found: FoundFile): string | undefined {
  if (found.program?.startsWith("/") && !existsSync(found.program)) return `its Node, ${found.program}, is gone`;
  if (found.script?.startsWith("/") && !existsSync(found.script)) return `its program, ${found.script}, is gone`;
  return undefined;
}

/** About what was overwritten, and what the service will see of this shell. */
export function installNotes(found: FoundFile | undefined, plan: ServicePlan): string[] {
  const kept = Object.keys(keptVariables(found));
  const dropped = droppedVariables(found);
  return [
    ...(dropped.length > 0
      ? [`Not kept from the old system's file, since its template set it: ${dropped.join(", ")}. It counts from .env.`]
      : []),
    ...(kept.length > 0 ? [`Kept from the old file, and above .env: ${kept.join(", ")}.`] : []),
    ...(plan.problem ? [`It waits for settings that can be used. ${plan.problem}`] : []),
  ];
}
