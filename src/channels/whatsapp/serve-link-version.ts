import { fetchLatestWaWebVersion } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { WebVersion } from "./connection.ts";

const PATIENCE_MS = 10_000;

type Found = Pick<Awaited<ReturnType<typeof fetchLatestWaWebVersion>>, "version" | "isLatest">;

/** The number that WhatsApp's own page has today; undefined when it cannot be had. */
export async function latestVersion(
  clock: Clock,
  stop: AbortSignal,
  fetchVersion: (options: { signal: AbortSignal }) => Promise<Found> = fetchLatestWaWebVersion,
): Promise<WebVersion | undefined> {
  const done = new AbortController();
  const enough = AbortSignal.any([stop, done.signal]);
  try {
    const found = fetchVersion({ signal: enough }).catch(() => undefined);
    const answer = await Promise.race([found, clock.sleep(PATIENCE_MS, enough)]);
    return answer?.isLatest ? answer.version : undefined;
  } finally {
    done.abort();
  }
}
