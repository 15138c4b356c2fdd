import type { ReadyFrame } from "./frames.ts";
import { PROTOCOL_VERSION } from "./version.ts";

// In a file of its own so that a runner can say it before it has loaded any schema.
export const readyLine = (): string =>
  JSON.stringify({ type: "ready", protocol: PROTOCOL_VERSION } satisfies ReadyFrame) + "\n";
