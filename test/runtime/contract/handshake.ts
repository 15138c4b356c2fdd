import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createPlace } from "../place.ts";
import type { RuntimeUnderTest } from "../runtime-under-test.ts";

const answered = (turn: string) => ({ status: "ok", text: `hello from ${turn}`, session: null });

export function describeHandshake(under: RuntimeUnderTest): void {
  describe("handshake", () => {
    test("gives the input once the runner is ready, and sees the run through", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers"));
      const result = await run.result;
      expect(result).toEqual({ answer: answered(place.spec.turn), failure: null, ended: null });
      expect(run.calls).toEqual(["input", "written"]);
      expect(run.frames.map(({ type }) => type)).toEqual(["session", "tool", "answer", "log", "closed"]);
    });

    test("gives no input to a runner that never says it is ready", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("never-ready"), { limits: { ready: 300 } });
      expect(await run.result).toMatchObject({ failure: { class: "crash", detail: "not ready after 300 ms" } });
      expect(run.calls).toEqual([]);
    });

    test("gives no input to a runner that speaks another version, and names both", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("other-protocol", "99"));
      expect(await run.result).toMatchObject({
        failure: { class: "image-mismatch", detail: "the runner speaks protocol 99, the host 1" },
      });
      expect(run.calls).toEqual([]);
    });

    test.each(["real", "scripted"] as const)("a %s runner that is given nothing leaves by itself", async (which) => {
      await using place = createPlace();
      const runtime = which === "real" ? under.real() : under.scripted("answers");
      const run = await place.start(runtime, { input: () => Promise.resolve(null) });
      expect(await run.result).toEqual({ answer: undefined, failure: null, ended: null });
      expect(existsSync(place.journal)).toBe(false);
    });

    test("ends a runner that is given nothing and stays", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("ignores-end-of-input"), {
        input: () => Promise.resolve(null),
        limits: { grace: 300 },
      });
      expect(await run.result).toEqual({ answer: undefined, failure: null, ended: null });
    });

    test("the real runner does nothing when its input ends before the line is complete", async () => {
      await using place = createPlace();
      const running = await under.real().launch(place.spec);
      running.stdout?.resume();
      running.stderr?.resume();
      running.stdin?.end('{"protocol":1');
      await running.exited;
      expect(existsSync(place.journal)).toBe(false);
    });

    test("an input that cannot be made ends the run and rejects", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers"), { input: () => Promise.reject(new Error("no store")) });
      await expect(run.result).rejects.toThrow("no store");
    });

    test("does not go on behind a result while the input is being made", async () => {
      await using place = createPlace();
      const order: string[] = [];
      const asked = Promise.withResolvers<void>();
      const run = await place.start(under.scripted("answers"), {
        input: async () => {
          asked.resolve();
          await run.running.exited;
          order.push("input");
          return place.line;
        },
      });
      await asked.promise;
      run.stop.abort("stopped");
      await run.result.then(() => order.push("result"));
      expect(order).toEqual(["input", "result"]);
      expect(run.calls).toEqual([]);
      expect(existsSync(place.journal)).toBe(false);
    });

    test("survives a runner that ends without reading a long input", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("never-reads"), {
        input: () => Promise.resolve("x".repeat(8 * 1024 * 1024)),
        limits: { silence: 500 },
      });
      expect(await run.result).toMatchObject({ failure: { class: "silence" } });
      expect(run.calls).toEqual([]);
    });
  });
}
