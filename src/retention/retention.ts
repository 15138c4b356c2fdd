import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import {
  cutoffsAt,
  doubtedSince,
  isBelievable,
  nothingRemoved,
  type KeepFor,
  type Removed,
} from "../domain/retention.ts";
import type { Home } from "../home.ts";
import { keepRetention, lastRetention } from "../store/retention-report.ts";
import type { Store } from "../store/store.ts";
import { removeNamed, sweepJournals, sweepMedia } from "./sweep-files.ts";
import { sweepLedger } from "./sweep-ledger.ts";
import { trimServiceLogs } from "./trim-log.ts";

export interface RetentionOptions {
  store: Store;
  home: Home;
  clock: Clock;
  log: Log;
  keep: KeepFor;
  /** How old a message may be that still calls the assistant, ms. */
  ageLimit: number;
}

/** Takes away what is older than it is to be kept: at the start, and then daily. */
export interface RetentionLoop {
  start(): void;
  /** Finishes the step that runs. May be repeated. */
  stop(): Promise<void>;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** After each short step, so that messages that come meanwhile need not wait for the next one. */
const REST_MS = 25;

export function createRetention(options: RetentionOptions): RetentionLoop {
  const { clock, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let loop: Promise<void> | undefined;

  const work = async () => {
    let last: number | undefined;
    while (!signal.aborted) {
      // By a clock that does not jump; a machine that slept looks within the hour.
      if (last === undefined || clock.monotonic() - last >= DAY_MS) {
        last = clock.monotonic();
        await look(options, signal).catch((error: unknown) =>
          log.error({ error: (error as Error).message }, "Cannot look for what is too old, trying again tomorrow"),
        );
      }
      await clock.sleep(HOUR_MS, signal);
    }
  };

  return {
    start: () => void (loop ??= work()),
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

/** One look at everything. @throws when not even what it found can be written down. */
async function look(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = options;
  const now = clock.now();
  const last = lastRetention(store.settings);
  if (last && !isBelievable(now, last)) {
    log.warn({ now, last: last.at }, CLOCK);
    return keepRetention(store.settings, { ...last, doubtedAt: doubtedSince(now, last), problems: [CLOCK] });
  }
  const removed = { ...nothingRemoved };
  const problems = await sweepAll(options, now, removed, signal);
  keepRetention(store.settings, { at: now, removed, problems });
  for (const problem of problems) log.error({ problem }, "Not everything that is too old could be removed");
  if (Object.values(removed).some((count) => count > 0)) log.info({ removed }, "Removed what was too old");
  else log.debug({}, "Nothing is too old");
}

const CLOCK = "The clock says that more than a month has gone by: nothing is removed until it has said so for a day";

/** @returns what could not be done. */
async function sweepAll(
  options: RetentionOptions,
  now: number,
  removed: Removed,
  signal: AbortSignal,
): Promise<string[]> {
  const { store, home, clock, keep, ageLimit } = options;
  const cutoffs = cutoffsAt(now, keep, ageLimit);
  const rest = async () => {
    await clock.sleep(REST_MS, signal);
    return !signal.aborted;
  };
  const sweep = { store, home, cutoffs, removed, rest };
  const steps: [string, () => Promise<void>][] = [
    ["the ledger", () => sweepLedger(store, cutoffs, removed, rest, (files) => removeNamed(sweep, files))],
    ["files of messages", () => sweepMedia(sweep)],
    ["journals", () => sweepJournals(sweep)],
    ["the service's logs", () => trimServiceLogs(home.logs)],
  ];
  const problems: string[] = [];
  for (const [what, step] of steps) {
    if (signal.aborted) break;
    await step().catch((error: unknown) => problems.push(`${what}: ${(error as Error).message}`));
  }
  return problems;
}
