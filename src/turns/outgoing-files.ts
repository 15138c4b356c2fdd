import { existsSync, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { OutgoingFile } from "../channels/channel.ts";
import { isLocal } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { OUTBOX_FILES, type OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";

/** What a channel is given of a row's file. */
export const fileOf = (root: string, { file }: OutboxRow): OutgoingFile | null =>
  file && { ...file, path: join(root, file.path) };

export const isThere = ({ path }: OutgoingFile): boolean => existsSync(path);

/** The row was sent or given up. A local chat's reply names the copy, so it stays. */
export async function removeCopy(root: string, row: OutboxRow): Promise<void> {
  const file = fileOf(root, row);
  if (file && !isLocal(row.chat)) await rm(file.path, { force: true }).catch(() => {}); // the next start tries again
}

/** Copies that a host which died left behind: made for no row, or of a row that is done. */
export function sweepCopies({ store, home, log }: { store: Store; home: { root: string }; log: Log }): void {
  const top = join(home.root, OUTBOX_FILES);
  try {
    for (const folder of namesIn(top)) {
      for (const name of namesIn(join(top, folder))) {
        const row = store.outbox.byMessageId(name);
        const isNeeded = row && (row.status === "pending" || isLocal(row.chat));
        if (!isNeeded) rmSync(join(top, folder, name), { force: true });
      }
    }
  } catch (error) {
    log.warn({ error: (error as Error).message }, "Cannot tidy the copies of sent files");
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
