import type { Answer, FrameBody, TurnInput } from "../protocol/index.ts";

export type ToolOutcome = { ok: true; result: unknown } | { ok: false; error: string };

/** The tools of the MCP server `nanoclaw`, for backends that are no process of their own. */
export interface ToolClient {
  /** Resolves when the host has done or refused it; rejects only when the host is gone. */
  call(tool: string, args: Record<string, unknown>): Promise<ToolOutcome>;
}

export interface BackendContext {
  /** Connects on first use: most turns need no tool. */
  tools(): Promise<ToolClient>;
  /** Progress; the answer is returned, not emitted. */
  emit(body: FrameBody): void;
  /** The host's time, epoch milliseconds. */
  now(): number;
  /** Aborts when the host asks the run to end. */
  signal: AbortSignal;
}

/** Where the runner was started; for backends that start programs of their own. */
export interface Place {
  env: Readonly<Record<string, string | undefined>>;
  /** The group's folder. */
  cwd: string;
  platform: NodeJS.Platform;
}

/**
 * An agent behind the runner. Expected failures are answers with a class; a throw is a bug and is
 * reported as class `crash`.
 */
export interface Backend {
  run(turn: TurnInput, context: BackendContext): Promise<Answer>;
}
