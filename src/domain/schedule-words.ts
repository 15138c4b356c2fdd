import cronstrue from "cronstrue";
import { DateTime } from "luxon";
import { durationWords } from "./duration.ts";
import type { Schedule } from "./schedule.ts";
import { humanInZone } from "./zone.ts";

/** A schedule as people say it: "At 08:00, Monday through Friday (Europe/Berlin)". */
export function scheduleWords({ type, value, zone }: Schedule): string {
  switch (type) {
    case "once":
      return onceWords(value, zone);
    case "interval":
      return `Every ${durationWords(Number(value), Infinity)}`;
    case "cron":
      return `${cronWords(value)} (${zone})`;
    default:
      return type satisfies never;
  }
}

function onceWords(value: string, zone: string): string {
  const at = DateTime.fromISO(value, { zone });
  return at.isValid ? `Once, ${humanInZone(at.toMillis(), zone)}` : `Once, ${value} (${zone})`;
}

/** What croner takes and cronstrue does not know is told as it was given. */
function cronWords(value: string): string {
  try {
    return cronstrue.toString(value, { use24HourTimeFormat: true });
  } catch {
    return `By the schedule ${value}`;
  }
}
