import { existsSync } from "node:fs";
import { openForkDatabase } from "../store/fork-database.ts";
import { createLedger, syncFile } from "../store/fork-ledger.ts";
import { addNotice, fillLedger } from "./fill-ledger.ts";
import type { OldLeftovers, OldPaths } from "./old-home.ts";
import { planMove, type MessageCount, type MovePlan, type MoveSettings } from "./plan-move.ts";
import { summary } from "./report.ts";

export interface BuildLedger {
  /** The old database, or a copy; there may be none. */
  database: string;
  /** How a person knows it. */
  original: string;
  paths: Pick<OldPaths, "json">;
  leftovers: OldLeftovers;
  settings: MoveSettings;
  /** A ledger that nobody uses yet is written here. */
  target: string;
  /** What this home had noted of itself before. */
  kept?: readonly (readonly [string, string])[];
  /** Where the owner can read about it. */
  report: string;
}

export interface Built {
  plan: MovePlan;
  count: MessageCount;
}

export function buildLedger({ database, original, target, settings, kept = [], ...source }: BuildLedger): Built {
  using fork = existsSync(database) ? openForkDatabase(database, original) : undefined;
  const plan = planMove({ database: fork, ...source }, settings);
  const count = fill(target, (ledger) => {
    const found = fillLedger(ledger, fork, plan, settings);
    for (const [key, value] of kept) ledger.settings.set(key, value);
    addNotice(ledger, `Moved in from the old system: ${summary(plan, found)}. Read ${source.report}`, settings.now);
    return found;
  });
  syncFile(target);
  return { plan, count };
}

/** Closed before its file is used: until then a part of it lies beside it. */
function fill<T>(path: string, work: (ledger: ReturnType<typeof createLedger>) => T): T {
  using ledger = createLedger(path);
  return work(ledger);
}
