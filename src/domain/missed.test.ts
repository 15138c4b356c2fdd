import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import { planDue, type DueFacts } from "./missed.ts";

const zone = "Europe/Berlin";
const at = (time: string) => DateTime.fromISO(time, { zone }).toMillis();
const hhmm = (times: number[]) => times.map((time) => DateTime.fromMillis(time, { zone }).toFormat("dd. HH:mm"));
const task = (changes: Partial<DueFacts> = {}): DueFacts => ({
  ...{ schedule: { type: "cron", value: "0 8 * * *", zone }, missed: "latest", staleAfter: null },
  ...changes,
});
const hourly = { type: "interval", value: "3600000", zone } as const;
const [due, now] = [at("2026-11-20T08:00"), at("2026-11-23T10:10")];

describe("what becomes of runs that were missed (D42)", () => {
  test("on time is not missed, whatever the policy", () => {
    for (const missed of ["latest", "skip", "all"] as const) {
      const plan = planDue(task({ missed, staleAfter: 60_000 }), due, due + 60_000);
      expect(plan).toEqual({ run: [due], passed: [], next: at("2026-11-21T08:00") });
    }
  });

  test("latest: one run, for the newest time, stands for all", () => {
    const plan = planDue(task(), due, now);
    expect(hhmm(plan.run)).toEqual(["23. 08:00"]);
    expect(plan.passed).toEqual([]);
    expect(hhmm([plan.next ?? 0])).toEqual(["24. 08:00"]);
  });

  test("skip: none; one that comes right now is not missed", () => {
    expect(planDue(task({ missed: "skip" }), due, now).run).toEqual([]);
    expect(hhmm(planDue(task({ missed: "skip" }), due, at("2026-11-23T08:00:30")).run)).toEqual(["23. 08:00"]);
  });

  test("all: each of them, oldest first, but the newest twenty at most", () => {
    expect(hhmm(planDue(task({ missed: "all" }), due, now).run)).toEqual([
      ...["20. 08:00", "21. 08:00", "22. 08:00", "23. 08:00"],
    ]);
    const plan = planDue(task({ missed: "all", schedule: hourly }), due, now);
    expect(hhmm(plan.run)).toEqual(
      hhmm(Array.from({ length: 20 }, (_, back) => at("2026-11-22T15:00") + back * 3_600_000)),
    );
    expect(plan.passed).toEqual([{ dueAt: due, reason: expect.stringContaining("at most 20") }]);
  });

  test("one of every minute, missed for a year, is found without going through the year", () => {
    const plan = planDue(task({ schedule: { type: "cron", value: "* * * * *", zone } }), due, due + 365 * 86_400_000);
    expect(plan.run).toEqual([due + 365 * 86_400_000]);
  });

  test("too old is not worth doing any more: each time is judged on its own", () => {
    expect(planDue(task({ staleAfter: 3_600_000 }), due, now)).toMatchObject({
      run: [],
      passed: [{ dueAt: at("2026-11-23T08:00"), reason: expect.stringContaining("stale_after") }],
    });
    expect(hhmm(planDue(task({ missed: "all", staleAfter: 30 * 3_600_000 }), due, now).run)).toEqual([
      ...["22. 08:00", "23. 08:00"],
    ]);
  });

  test("once: latest and all run it, skip does not", () => {
    const once = { type: "once", value: "2026-11-20T08:00:00", zone } as const;
    const runs = (["latest", "all", "skip"] as const).map(
      (missed) => planDue(task({ schedule: once, missed }), due, now).run,
    );
    expect(runs).toEqual([[due], [due], []]);
  });

  test("an interval keeps its grid over the gap: no drift (D41)", () => {
    const plan = planDue(task({ schedule: hourly }), due, now);
    expect([hhmm(plan.run), hhmm([plan.next ?? 0])]).toEqual([["23. 10:00"], ["23. 11:00"]]);
  });
});
