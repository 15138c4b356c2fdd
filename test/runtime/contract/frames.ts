import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createPlace } from "../place.ts";
import type { RuntimeUnderTest } from "../runtime-under-test.ts";

export function describeFrames(under: RuntimeUnderTest): void {
  describe("frames", () => {
    test("takes each frame once, whichever of journal and output brings it first", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("journal-first"), {
        onFrame: (body) => {
          if (body.type === "text" && body.text === "three") place.tell("go");
        },
      });
      expect((await run.result).answer).toMatchObject({ text: "four" });
      const words = run.frames.flatMap((body) => (body.type === "text" ? body.text : []));
      expect(words).toEqual(["one", "two", "three"]);
    });

    test("the journal holds the lines of the output", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("answers"));
      await run.result;
      const lines = readFileSync(place.journal, "utf8").trimEnd().split("\n");
      const frames = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
      expect(frames.map(({ body }) => body)).toEqual(run.frames);
    });

    test("hears the answer in the journal when the output is closed and the runner lives on", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("closes-output"));
      await place.heard("closed");
      expect(run.frames).toEqual([]);
      place.tell("go");
      expect((await run.result).answer).toMatchObject({ text: "from the journal" });
    });

    test("finds the frames among garbage, and takes none with a wrong token or number", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("garbage"));
      const { answer } = await run.result;
      expect(run.frames.map(({ type }) => type)).toEqual(["text", "answer"]);
      const inner = { token: place.frameToken, n: 2, body: { type: "answer", answer: { status: "ok", text: "no" } } };
      Object.assign(inner.body.answer, { session: null });
      const quoted = `a quote:\n${JSON.stringify(inner)}\n{"type":"ready","protocol":1}\n`;
      expect(answer).toEqual({ status: "ok", text: quoted, session: null });
      expect(run.calls).toEqual(["input", "written"]);
    });

    test("puts letters together whose bytes come one by one", async () => {
      await using place = createPlace();
      const words = "Zoë says 你好 🎂 \ud83d".toWellFormed();
      const run = await place.start(under.scripted("byte-by-byte", words));
      expect((await run.result).answer).toMatchObject({ text: words });
    });

    test("two runs side by side do not disturb each other", async () => {
      await using one = createPlace();
      await using two = createPlace();
      const runs = [one.start(under.scripted("answers-when-told")), two.start(under.scripted("answers-when-told"))];
      const [first, second] = (await Promise.all(runs)) as [Awaited<(typeof runs)[0]>, Awaited<(typeof runs)[0]>];
      await Promise.all([first.said, second.said]);
      first.stop.abort("stopped");
      expect(await first.result).toEqual({ answer: undefined, failure: null, ended: "stopped" });
      two.tell("go");
      expect((await second.result).answer).toMatchObject({ text: "late, but here" });
      expect(existsSync(one.journal)).toBe(true);
      expect(readFileSync(one.journal, "utf8")).not.toContain("late");
    });

    test("a callback that throws ends the run, is not called again, and rejects", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("talks-for-ever"), {
        onFrame: () => {
          throw new Error("the ledger is broken");
        },
      });
      await expect(run.result).rejects.toThrow("the ledger is broken");
      expect(run.frames).toHaveLength(1);
    });
  });
}
