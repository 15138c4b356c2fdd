import { z } from "zod";
import { errorClassSchema } from "./error-class.ts";

/** Before the input: "I am here". The host records process or container, then writes the input. */
export const readyFrameSchema = z.strictObject({
  type: z.literal("ready"),
  protocol: z.int(),
});
export type ReadyFrame = z.infer<typeof readyFrameSchema>;

const usageSchema = z.strictObject({
  inputTokens: z.int().min(0).optional(),
  outputTokens: z.int().min(0).optional(),
  credits: z.number().min(0).optional(),
});

export const answerSchema = z.discriminatedUnion("status", [
  z.strictObject({
    status: z.literal("ok"),
    /** What the chat gets; empty when the agent has nothing to say. */
    text: z.string(),
    session: z.string().nullable(),
    usage: usageSchema.optional(),
  }),
  z.strictObject({
    status: z.literal("error"),
    class: errorClassSchema,
    /** For the log and `why`; one line where possible. */
    error: z.string(),
    session: z.string().nullable(),
    /** For the person: what is wrong and the cure, as sentences. */
    say: z.string().max(500).optional(),
    /** The agent had used tools of its own; begun anew, the turn would repeat what they did. */
    worked: z.boolean().optional(),
    /** With `limit-reached`: when it is over, epoch milliseconds, where that is known. */
    resetsAt: z.int().min(0).optional(),
  }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** What happens during a turn. `answer` comes exactly once and is the last word; then `closed`. */
export const frameBodySchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("session"), session: z.string() }),
  z.strictObject({ type: z.literal("text"), text: z.string() }),
  z.strictObject({ type: z.literal("tool"), tool: z.string(), status: z.enum(["started", "done", "failed"]) }),
  z.strictObject({ type: z.literal("log"), line: z.string() }),
  /** The agent's words held values of these secrets; they were taken out of this frame and all others. */
  z.strictObject({ type: z.literal("secret"), names: z.array(z.string()) }),
  z.strictObject({ type: z.literal("answer"), answer: answerSchema }),
  z.strictObject({ type: z.literal("closed") }),
]);
export type FrameBody = z.infer<typeof frameBodySchema>;

/**
 * A line of the journal and of stdout. Both carry the same lines; `n` counts from 1 so that a
 * reader of both takes each once.
 */
export const frameSchema = z.strictObject({
  token: z.string(),
  n: z.int().min(1),
  body: frameBodySchema,
});
export type Frame = z.infer<typeof frameSchema>;

/** A frame, or nothing: the line is noise, half a line, or another turn's. Never throws. */
export function parseFrame(line: string, token: string): Frame | undefined {
  // Millions of lines of noise must not cost an exception each.
  if (!line.startsWith('{"token":')) return undefined;
  const frame = frameSchema.safeParse(parseJson(line));
  return frame.success && frame.data.token === token ? frame.data : undefined;
}

/** The `ready` frame in a line of stdout, or nothing. Never throws. */
export function parseReady(line: string): ReadyFrame | undefined {
  if (!line.startsWith('{"type":')) return undefined;
  const ready = readyFrameSchema.safeParse(parseJson(line));
  return ready.success ? ready.data : undefined;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // not JSON: noise
  }
}
