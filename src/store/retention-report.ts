import { z } from "zod";
import type { SettingsTable } from "./settings.ts";

const KEY = "retention";

const reportSchema = z.object({
  /** When it looked, epoch ms. */
  at: z.number(),
  /** The clock leapt, and since then nothing was removed. */
  doubtedAt: z.number().optional(),
  removed: z.record(z.string(), z.number()),
  /** What could not be done, in words; it is tried again at the next look. */
  problems: z.array(z.string()),
});

/** The last look for what is too old. */
export type RetentionReport = z.infer<typeof reportSchema>;

export function lastRetention(settings: SettingsTable): RetentionReport | undefined {
  const kept = settings.get(KEY);
  return kept === undefined ? undefined : reportSchema.parse(JSON.parse(kept));
}

export function keepRetention(settings: SettingsTable, report: RetentionReport): void {
  settings.set(KEY, JSON.stringify(report));
}
