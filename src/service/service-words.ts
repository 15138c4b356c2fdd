import { missingProgram } from "./service-file.ts";
import type { FoundFile } from "./service-plan.ts";
import type { ServiceStatus } from "./service-port.ts";

export const commands = {
  install: "npm run nanoclaw -- service install",
  start: "npm run nanoclaw -- service start",
  restart: "npm run nanoclaw -- service restart",
  status: "npm run nanoclaw -- service status",
} as const;

/** What the manager of services said. */
export type State =
  | { kind: "running"; pid: number; detail: string; cure?: string }
  | { kind: "stopped"; detail: string; cure?: string }
  | { kind: "no-manager"; detail: string; cure: string };

export interface Seen {
  path: string;
  found: FoundFile | undefined;
  isStale: boolean;
  state: State;
}

/** The manager's answer and the file's, in one. */
export function describe({ path, found, isStale, state }: Seen): ServiceStatus {
  const pid = state.kind === "running" ? state.pid : null;
  if (!found && state.kind === "stopped") {
    return { kind: "not-installed", pid, detail: `there is no ${path}`, cure: commands.install, stale: false };
  }
  const missing = found && missingProgram(found);
  const stale = isStale || missing !== undefined;
  const why = !found && state.kind === "running" ? `${path} was removed` : missing;
  const notes = why ?? (stale ? `${path} is not what an install would write now` : undefined);
  const words = state.kind === "running" ? [`runs (process ${state.pid})`, state.detail] : [state.detail];
  const cure = notes && state.kind !== "no-manager" ? commands.install : state.cure;
  const detail = [...words, notes].filter(Boolean).join("; ");
  return { kind: state.kind, pid, detail, ...(cure ? { cure } : {}), stale };
}
