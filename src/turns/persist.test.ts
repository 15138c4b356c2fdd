import { expect, test } from "vitest";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog, type Log } from "../domain/log.ts";
import { persist } from "./persist.ts";

const locked = () => Object.assign(new Error("database is locked"), { errcode: 5 });
const failing = (times: number, error: () => Error = locked) => {
  let left = times;
  return () => {
    left -= 1;
    if (left >= 0) throw error();
    return "written";
  };
};

test("what cannot be written now is written later, and said once", async () => {
  const clock = manualClock();
  const lines: string[] = [];
  const log: Log = { ...silentLog, error: (_data, event) => void lines.push(event) };
  const done = persist(failing(5), { clock, log });
  await clock.advance(5_000);
  expect(await done).toBe("written");
  expect(lines).toEqual(["Cannot write to the database, trying again"]);
});

test("another error is thrown at once", async () => {
  const options = { clock: manualClock(), log: silentLog };
  await expect(
    persist(
      failing(1, () => new Error("a bug")),
      options,
    ),
  ).rejects.toThrow("a bug");
});

test("patience ends by the time that passed, not by the wall clock", async () => {
  const clock = manualClock();
  const done = persist(failing(99), { clock, log: silentLog, patience: 3_000 });
  const failed = expect(done).rejects.toThrow("locked");
  clock.jump(86_400_000);
  await clock.advance(2_000);
  expect(clock.sleepers()).toBe(1);
  await clock.advance(1_000);
  await failed;
});

test("gives up when told to", async () => {
  const stop = new AbortController();
  const done = persist(failing(99), { clock: manualClock(), log: silentLog, signal: stop.signal });
  stop.abort();
  await expect(done).rejects.toThrow("locked");
});
