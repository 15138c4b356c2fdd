import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createPlace } from "../place.ts";
import type { RuntimeUnderTest } from "../runtime-under-test.ts";

const stopped = { answer: undefined, failure: null, ended: "stopped" };

export function describeEnding(under: RuntimeUnderTest): void {
  /** Resolves when none of these processes is left; their death is asked for already. */
  const untilGone = async (handle: unknown, pids: string) => {
    for (const pid of pids.split(" ")) while (await under.alive(handle, Number(pid))) await sleep(10);
  };

  describe("ending", () => {
    test("a runner that is stopped may leave by itself", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("never-answers"));
      await run.said;
      run.stop.abort("stopped");
      expect(await run.result).toEqual(stopped);
    });

    test("a runner that ignores TERM is killed, and its child with it", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("stubborn"), { limits: { grace: 3_000 } });
      const pids = await run.said;
      for (const pid of pids.split(" ")) expect(await under.alive(run.running.handle, Number(pid))).toBe(true);
      run.stop.abort("shutdown");
      expect(await run.result).toEqual({ ...stopped, ended: "shutdown" });
      expect(place.noted("asked")).toBe("TERM");
      await untilGone(run.running.handle, pids);
    });

    test("a runner that has answered and stays is killed; the answer counts", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers-and-stays"), { limits: { grace: 500 } });
      expect((await run.result).answer).toMatchObject({ text: "done" });
      await untilGone(run.running.handle, await run.said);
    });

    test.each([["nothing"], ["answer"]])("a child does not outlive its runner that left %s", async (left) => {
      await using place = createPlace();
      const run = await place.start(under.scripted("leaves-a-child", left));
      const { answer, failure } = await run.result;
      if (left === "answer") expect(answer).toMatchObject({ text: "my child lives on" });
      else expect(failure?.detail).toBe("the runner exited with code 0 before it answered");
      await untilGone(run.running.handle, await run.said);
    });

    test("an answer that comes when the run is being stopped does not count", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers-at-term"));
      await run.said;
      run.stop.abort("stopped");
      expect(await run.result).toEqual(stopped);
      expect(run.frames).toEqual([
        { type: "text", text: "waiting" },
        { type: "text", text: "after all" },
      ]);
    });

    test("a stop after the answer takes nothing away", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers-and-stays"), {
        limits: { grace: 500 },
        onFrame: ({ type }) => {
          if (type === "answer") run.stop.abort("stopped");
        },
      });
      expect(await run.result).toMatchObject({ answer: { text: "done" }, failure: null, ended: null });
    });

    test.each(["already", "before it is ready"])("a run that is stopped %s is asked nothing", async (when) => {
      await using place = createPlace();
      const stop = new AbortController();
      if (when === "already") stop.abort("stopped");
      const run = await place.start(under.scripted("answers"), { stop: stop.signal });
      stop.abort("stopped");
      expect(await run.result).toEqual(stopped);
      expect(run.calls).toEqual([]);
    });

    test.each([
      ["0", "the runner exited with code 0 before it answered: last words"],
      ["3", "the runner exited with code 3 before it answered: last words"],
      ["137", "the runner exited with code 137 (killed; possibly out of memory) before it answered: last words"],
    ])("exit code %s without an answer is a crash that says so", async (code, detail) => {
      await using place = createPlace();
      const run = await place.start(under.scripted("exits", code));
      expect(await run.result).toEqual({ answer: undefined, failure: { class: "crash", detail }, ended: null });
    });

    test.each([
      ["SIGABRT", /^the runner (was ended by SIGABRT|exited with code 134) before it answered$/],
      ["SIGKILL", /^the runner (was ended by SIGKILL|exited with code 137) \(killed; .*\) before it answered$/],
    ])("%s without an answer is a crash that says so", async (signal, detail) => {
      await using place = createPlace();
      const run = await place.start(under.scripted("kills-itself", signal));
      const { failure } = await run.result;
      expect(failure?.class).toBe("crash");
      expect(failure?.detail).toMatch(detail);
    });

    test("keeps what a runner said that ended at once", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("exits-at-once"));
      expect((await run.result).failure?.detail).toBe(
        "the runner exited with code 1 before it was ready: cannot load the agent",
      );
      expect(run.calls).toEqual([]);
    });

    test("nothing of a run is found after clear, which may be repeated", async () => {
      await using place = createPlace();
      const runtime = under.scripted("stubborn");
      const run = await place.start(runtime, { limits: { grace: 500 } });
      const pids = await run.said;
      run.stop.abort("stopped");
      await run.result;
      await runtime.clear(run.running.handle);
      await runtime.clear(run.running.handle);
      await untilGone(run.running.handle, pids);
      expect(await runtime.find(run.running.handle)).toBeUndefined();
    });
  });
}
