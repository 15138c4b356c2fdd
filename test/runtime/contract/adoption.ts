import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { createPlace, type Place } from "../place.ts";
import type { RuntimeUnderTest } from "../runtime-under-test.ts";
import { startElsewhere } from "../starter-process.ts";

/** A run whose host was killed, found again. */
async function adopt(under: RuntimeUnderTest, place: Place, ...args: string[]) {
  await using starter = await startElsewhere(under.starter, place.spec, place.line, args);
  await starter.kill();
  const runtime = under.scripted(...args);
  const running = await runtime.find(starter.handle);
  if (!running) throw new Error("the run was not found");
  return { runtime, running, [Symbol.asyncDispose]: () => end(runtime, starter.handle) };
}

async function end(runtime: Runtime, handle: unknown): Promise<void> {
  const running = await runtime.find(handle);
  running?.signal("KILL");
  await running?.exited;
  await runtime.clear(handle);
}

export function describeAdoption(under: RuntimeUnderTest): void {
  describe("adoption", () => {
    test("a run outlives its host, is found by its handle, and is seen through by its journal", async () => {
      await using place = createPlace();
      await using found = await adopt(under, place, "answers-when-told");
      expect(found.running.stdin).toBeNull();
      const run = place.supervise(found.running);
      await run.said;
      place.tell("go");
      expect((await run.result).answer).toMatchObject({ text: "late, but here" });
      expect(run.calls).toEqual([]);
      expect(run.frames.map(({ type }) => type)).toEqual(["text", "answer"]);
      expect(await found.runtime.find(found.running.handle)).toBeUndefined();
    });

    test("an adopted run is stopped like any other, with its children", async () => {
      await using place = createPlace();
      await using found = await adopt(under, place, "stubborn");
      const run = place.supervise(found.running, { limits: { grace: 500 } });
      const pids = await run.said;
      run.stop.abort("stopped");
      expect(await run.result).toEqual({ answer: undefined, failure: null, ended: "stopped" });
      await found.runtime.clear(found.running.handle);
      for (const pid of pids.split(" ")) {
        while (await under.alive(found.running.handle, Number(pid))) await sleep(10);
      }
    });

    test("silence of an adopted run counts from its adoption", async () => {
      await using place = createPlace();
      await using found = await adopt(under, place, "never-answers");
      const run = place.supervise(found.running, { limits: { silence: 1_000 } });
      expect(await run.result).toMatchObject({ failure: { class: "silence" } });
    });

    test("an adopted run that ends without an answer is a crash, though nobody may have seen its end", async () => {
      await using place = createPlace();
      await using found = await adopt(under, place, "never-answers");
      const run = place.supervise(found.running);
      await run.said;
      found.running.signal("KILL");
      const { failure } = await run.result;
      expect(failure?.class).toBe("crash");
      // A container engine has seen it.
      expect(failure?.detail).toMatch(/^the runner exited with code (unknown|137 \(killed; .*\)) before it answered$/);
    });

    test("a runner whose host dies before it writes the input does nothing and leaves", async () => {
      await using place = createPlace();
      const runtime = under.scripted("answers");
      await using starter = await startElsewhere(under.starter, place.spec, "", ["answers"]);
      await starter.kill();
      expect(await place.heard("no-input")).toBe("the input ended");
      while (await runtime.find(starter.handle)) await sleep(10);
      await runtime.clear(starter.handle);
    });

    test("refuses a number that is another process's by now, and leaves that one alone", async () => {
      await using place = createPlace();
      await using found = await adopt(under, place, "answers-when-told");
      const stale: unknown = await under.recycled(found.running.handle);
      expect(await found.runtime.find(stale)).toBeUndefined();
      await found.runtime.clear(stale);
      const run = place.supervise(found.running);
      await run.said;
      place.tell("go");
      expect((await run.result).answer).toMatchObject({ text: "late, but here" });
    });

    test("children are cleared when their runner died while no host was there", async () => {
      await using place = createPlace();
      const runtime = under.scripted("stubborn");
      await using starter = await startElsewhere(under.starter, place.spec, place.line, ["stubborn"]);
      const child = Number(await place.heard("child"));
      await starter.kill();
      await under.killLeader(starter.handle);
      while (await runtime.find(starter.handle)) await sleep(10);
      await runtime.clear(starter.handle);
      while (await under.alive(starter.handle, child)) await sleep(10);
    });

    test.each([null, "nonsense", {}, { pid: 1, start: "x" }, { pid: "2", start: null }, { pid: -5, start: null }])(
      "finds and clears nothing by the handle %j",
      async (handle) => {
        const runtime = under.scripted("answers");
        expect(await runtime.find(handle)).toBeUndefined();
        await runtime.clear(handle);
      },
    );
  });
}
