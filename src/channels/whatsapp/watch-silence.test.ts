import { expect, test } from "vitest";
import { manualClock } from "../../../test/manual-clock.ts";
import { watchSilence } from "./watch-silence.ts";

function watched() {
  const clock = manualClock();
  const over = new AbortController();
  let silences = 0;
  const watch = watchSilence(clock, over.signal, () => (silences += 1));
  return { clock, over, watch, silences: () => silences };
}

test("a connection that says something now and then is left alone", async () => {
  const { clock, watch, silences } = watched();
  for (let minute = 0; minute < 10; minute += 1) {
    await clock.advance(59_000);
    watch.heard();
  }
  expect(silences()).toBe(0);
});

test("a silent one is noticed, once", async () => {
  const { clock, silences } = watched();
  await clock.advance(600_000);
  expect(silences()).toBe(1);
  expect(clock.sleepers()).toBe(0);
});

test("a machine that slept notices soon after", async () => {
  const { clock, silences } = watched();
  clock.jump(3_600_000);
  await clock.advance(10_000);
  expect(silences()).toBe(1);
});

test("a clock that is set back does not make it wait", async () => {
  const { clock, silences } = watched();
  await clock.advance(20_000);
  clock.jump(-3_600_000);
  await clock.advance(90_000);
  expect(silences()).toBe(1);
});

test("nobody is watched any more when the connection is over", async () => {
  const { clock, over, silences } = watched();
  over.abort();
  await clock.advance(600_000);
  expect([silences(), clock.sleepers()]).toEqual([0, 0]);
});
