import { expect, test } from "vitest";
import type { FrameBody } from "./protocol/index.ts";
import { createRedactedFrames } from "./redacted-frames.ts";

const secrets = { KIRO_API_KEY: "ksk_0123456789abcdef" };
const key = secrets.KIRO_API_KEY;

function written(bodies: FrameBody[]): FrameBody[] {
  const frames: FrameBody[] = [];
  const writer = createRedactedFrames({ write: (body) => void frames.push(body) }, secrets);
  for (const body of bodies) writer.write(body);
  return frames;
}

test("a secret is taken out of every kind of frame, and the log says so once", () => {
  const frames = written([
    { type: "session", session: `s-${key}` },
    { type: "tool", tool: `echo ${key}`, status: "started" },
    { type: "log", line: `stderr: ${key}` },
    { type: "answer", answer: { status: "ok", text: `It is ${key}.`, session: `s-${key}` } },
    {
      type: "answer",
      answer: {
        status: "error",
        class: "crash",
        error: Buffer.from(key).toString("base64"),
        say: `Use ${key}`,
        session: null,
      },
    },
    { type: "closed" },
  ]);
  expect(JSON.stringify(frames)).not.toContain("0123456789");
  expect(frames).toContainEqual({
    type: "answer",
    answer: { status: "ok", text: "It is [removed: KIRO_API_KEY].", session: "s-[removed: KIRO_API_KEY]" },
  });
  expect(frames.filter((frame) => frame.type === "secret")).toEqual([{ type: "secret", names: ["KIRO_API_KEY"] }]);
});

test("a secret that two pieces of text share is taken out, and nothing else is lost", () => {
  const pieces = ["My key is ksk_01234", "56789abcdef, keep it. ksk_", "end ksk_0"];
  const frames = written([
    ...pieces.map((text): FrameBody => ({ type: "text", text })),
    { type: "answer", answer: { status: "ok", text: "done", session: null } },
  ]);
  const text = frames.map((frame) => (frame.type === "text" ? frame.text : "")).join("");
  expect(text).toBe("My key is [removed: KIRO_API_KEY], keep it. ksk_end ksk_0");
  expect(frames.at(-1)?.type).toBe("answer");
});
