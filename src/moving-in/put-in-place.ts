import { renameSync } from "node:fs";
import { dirname } from "node:path";
import { syncFile } from "../store/fork-ledger.ts";

export interface Renaming {
  from: string;
  to: string;
}

/**
 * One step, in both directions of time: before it the home is the old system's, afterwards ours.
 * What goes with it was copied before; when one of the renames fails, those before it are undone.
 */
export function putInPlace(ledger: string, database: string, others: readonly Renaming[]): void {
  using undo = new DisposableStack();
  for (const { from, to } of others) {
    renameSync(from, to);
    undo.defer(() => renameSync(to, from));
  }
  syncFile(dirname(database));
  renameSync(ledger, database);
  undo.move();
  syncFile(dirname(database));
}
