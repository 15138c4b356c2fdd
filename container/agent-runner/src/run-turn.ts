import type { Answer, FrameBody, TurnInput } from "./protocol/index.ts";
import type { Backend, ToolClient } from "./backends/backend.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { createRedactedFrames } from "./redacted-frames.ts";

export interface RunDeps {
  loadBackend(name: TurnInput["agent"]["backend"]): Promise<Backend>;
  connectTools(turn: TurnInput, signal: AbortSignal): Promise<ToolClient>;
  frames: FrameWriter;
  now(): number;
  signal: AbortSignal;
}

/** Runs one turn to its `closed` frame; resolves to false when it was stopped before it had an answer. */
export async function runTurn(turn: TurnInput, given: RunDeps): Promise<boolean> {
  const deps = { ...given, frames: createRedactedFrames(given.frames, turn.secrets) };
  const answer = await answerOf(turn, deps);
  // A backend that was stopped may still return something; half an answer must not pass for one.
  if (deps.signal.aborted) return false;
  deps.frames.write({ type: "answer", answer });
  if (turn.oneShot) deps.frames.write({ type: "log", line: "One-shot mode enabled, exiting after single run" });
  deps.frames.write({ type: "closed" });
  return true;
}

async function answerOf(turn: TurnInput, deps: RunDeps): Promise<Answer> {
  const emit = (body: FrameBody): void => {
    if (!deps.signal.aborted) deps.frames.write(body);
  };
  let connecting: Promise<ToolClient> | undefined;
  const tools = (): Promise<ToolClient> =>
    (connecting ??= deps.connectTools(turn, deps.signal).then((client) => reportCalls(client, emit)));
  try {
    const backend = await deps.loadBackend(turn.agent.backend);
    return await backend.run(turn, { tools, emit, now: deps.now, signal: deps.signal });
  } catch (error) {
    return { status: "error", class: "crash", error: describe(error), session: turn.session };
  }
}

/** The same tools, with a frame when a call starts and when it ends. */
function reportCalls(client: ToolClient, emit: (body: FrameBody) => void): ToolClient {
  return {
    async call(tool, args) {
      emit({ type: "tool", tool, status: "started" });
      const outcome = await client.call(tool, args);
      emit({ type: "tool", tool, status: outcome.ok ? "done" : "failed" });
      return outcome;
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
