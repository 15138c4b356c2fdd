import { nextRun, type Schedule } from "./schedule.ts";

/** What becomes of runs whose time came while the host was not running. */
export type MissedPolicy = "latest" | "skip" | "all";

/** As late as that is on time: a busy machine, the scheduler's own nap. */
export const ON_TIME_MS = 60_000;
/** The most that `all` makes up for. */
export const MOST_CATCH_UP = 20;

export interface DueFacts {
  schedule: Schedule;
  missed: MissedPolicy;
  /** Milliseconds after which a run is not worth doing any more; null: no limit. */
  staleAfter: number | null;
}

export interface DuePlan {
  /** Due times to run, oldest first. */
  run: number[];
  /** Due times that are passed over, with the reason for the run log. */
  passed: { dueAt: number; reason: string }[];
  next: number | null;
}

/** A task was due at `due`, now it is `now`: what is run, what is passed over, and when it comes again. */
export function planDue({ schedule, missed, staleAfter }: DueFacts, due: number, now: number): DuePlan {
  const next = nextRun(schedule, due, now);
  if (isOnTime(due, now)) return { run: [due], passed: [], next };
  const slots = newestSlots(schedule, due, now);
  const newest = slots.slice(-1).filter((slot) => missed === "latest" || isOnTime(slot, now));
  const wanted = missed === "all" ? slots : newest;
  const run = wanted.filter((slot) => !isStale(staleAfter, slot, now));
  const stale = wanted.filter((slot) => !run.includes(slot)).at(-1);
  const isWhole = slots[0] === due && wanted.length === slots.length;
  // One late run stands for the ones before it: the usual case is no event.
  const passed = missed === "latest" || isWhole ? [] : [{ dueAt: due, reason: reasons[missed] }];
  if (stale !== undefined) passed.push({ dueAt: stale, reason: STALE });
  return { run, passed, next };
}

export const isOnTime = (due: number, now: number): boolean => now - due <= ON_TIME_MS;

/** A run that is on time is never stale, however short the limit. */
export const isStale = (staleAfter: number | null, due: number, now: number): boolean =>
  staleAfter !== null && !isOnTime(due, now) && now - due > staleAfter;

export const STALE = "its time was too long ago (stale_after)";

const reasons = {
  skip: "missed while the host was not running, and missed runs are skipped",
  all: `missed while the host was not running; at most ${MOST_CATCH_UP} runs are made up for`,
};

/** The newest due times from `due` to `now`, oldest first: looked for backwards, as there may be a year of them. */
function newestSlots(schedule: Schedule, due: number, now: number): number[] {
  if (schedule.type === "once") return [due];
  if (schedule.type === "interval") return newestOnGrid(Number(schedule.value), due, now);
  for (let back = 60 * 60_000; ; back *= 4) {
    const from = Math.max(due, now - back);
    const slots = slotsFrom(schedule, from === due ? due : null, from, now);
    if (slots.length >= MOST_CATCH_UP || from === due) return slots.slice(-MOST_CATCH_UP);
  }
}

function newestOnGrid(step: number, due: number, now: number): number[] {
  const last = Math.floor((now - due) / step);
  const first = Math.max(0, last - MOST_CATCH_UP + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => due + (first + at) * step);
}

function slotsFrom(schedule: Schedule, first: number | null, from: number, now: number): number[] {
  const slots = first === null ? [] : [first];
  for (let at = nextRun(schedule, from, from); at !== null && at <= now; at = nextRun(schedule, at, at)) slots.push(at);
  return slots;
}
