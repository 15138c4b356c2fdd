import type { Cutoffs, Removed } from "../domain/retention.ts";
import type { NamedFile, Sweep } from "../store/retention.ts";
import type { Store } from "../store/store.ts";

/** Lets others work; resolves to whether to go on. */
export type Rest = () => Promise<boolean>;

/**
 * Takes what is too old out of the ledger: many short transactions, with a rest after each.
 * @param onFiles what the rows of a transaction named goes after that was committed; files that a
 * crash leaves in between are found by their age.
 */
export async function sweepLedger(
  store: Store,
  cutoffs: Cutoffs,
  removed: Removed,
  rest: Rest,
  onFiles: (files: readonly NamedFile[]) => Promise<void>,
): Promise<void> {
  const { retention } = store;
  const talk = Math.max(cutoffs.messages, cutoffs.media);
  const steps: [keyof Removed, number, Sweep][] = [
    ["messages", talk, retention.messages(cutoffs)],
    ["replies", cutoffs.messages, retention.replies(cutoffs)],
    ["turns", cutoffs.runs, retention.turns(cutoffs)],
    ["runs", cutoffs.runs, retention.runs(cutoffs)],
    ["tasks", cutoffs.messages, retention.tasks(cutoffs)],
  ];
  for (const [kind, cutoff, sweep] of steps) {
    if (cutoff === -Infinity) continue;
    let next: number | undefined = 0;
    while (next !== undefined) {
      const page = sweep(next);
      removed[kind] += page.removed;
      await onFiles(page.files);
      next = page.next;
      if (!(await rest())) return;
    }
  }
  await tidy(store, rest);
}

/** Words that were deleted, withdrawn or purged since the last look are gone from the file after this. */
async function tidy({ retention }: Store, rest: Rest): Promise<void> {
  for (let isFirst = true; retention.tidyIndex(isFirst); isFirst = false) {
    if (!(await rest())) return;
  }
  retention.emptyLog();
}
