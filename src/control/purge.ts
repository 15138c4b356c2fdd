import { lstatSync } from "node:fs";
import { parseFolder, type Folder } from "../domain/ids.ts";
import { judge } from "../domain/rights.ts";
import { removePlace } from "../runtime/remove-place.ts";
import type { Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";

export interface Purging {
  /** Every place where a group leaves files. */
  traces(folder: Folder): readonly string[];
  /** Resolves when nothing of the group runs. */
  gone(folder: Folder): Promise<void>;
}

export interface PurgeOptions {
  store: Store;
  purging: Purging;
  /** Takes the group out of service. */
  remove(folder: Folder): void;
}

export interface Purged {
  folder: Folder;
  removed: string[];
}

/**
 * Removes a group with its files and all that was said in it; also what is left of one that was
 * removed before. Broken off in between, it can be done again.
 * @throws {GroupError}
 */
export async function purgeGroup({ store, purging, remove }: PurgeOptions, name: string): Promise<Purged> {
  const folder = mayPurge(name);
  const places = purging.traces(folder);
  const isRegistered = store.groups.find(folder) !== undefined;
  if (!isRegistered && !places.some(isThere))
    throw new GroupError(`There is no group "${folder}", and nothing left of one.`);
  if (isRegistered) remove(folder);
  await purging.gone(folder);
  if (store.groups.find(folder))
    throw new GroupError(`Meanwhile "${folder}" was registered anew; nothing was deleted.`);
  store.groups.forget(folder);
  const removed = places.filter(isThere);
  for (const place of removed) await purgePlace(place);
  return { folder, removed };
}

function mayPurge(name: string): Folder {
  const folder = parseFolder(name);
  if (!folder.ok) throw new GroupError(folder.problem);
  const chat = { folder: folder.value, held: false };
  const ruling = judge({ actor: { kind: "cli" }, action: "purge_group", chat });
  if (!ruling.allowed) throw new GroupError(`Refused: ${ruling.reason}.`);
  return folder.value;
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

async function purgePlace(path: string): Promise<void> {
  try {
    await removePlace(path);
  } catch (error) {
    throw new GroupError(
      `The group is removed, but ${path} cannot be deleted: ${(error as Error).message}. Cure that, and run the same command again.`,
    );
  }
}
