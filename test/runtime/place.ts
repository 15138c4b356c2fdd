import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FrameBody } from "@nanoclaw/agent-runner/protocol";
import { systemClock } from "../../src/clock.ts";
import { MAIN, newTurnId } from "../../src/domain/ids.ts";
import { homePaths, makeGroupFolders } from "../../src/home.ts";
import { journalPath } from "../../src/runtime/journal.ts";
import type { LaunchSpec, ResourceLimits, Running, Runtime } from "../../src/runtime/runtime.ts";
import { superviseRun, type RunLimits, type RunResult, type SuperviseOptions } from "../../src/runtime/supervise.ts";

const MINUTE = 60_000;
/** So long that only a test that shortens one of them meets it. */
const limits: RunLimits = { ready: MINUTE, silence: MINUTE, whole: MINUTE, grace: MINUTE, outputBytes: 1024 * 1024 };

/** What a test changes of a run; `limits` one by one. */
export type Changes = Partial<Omit<SuperviseOptions, "limits">> & { limits?: Partial<RunLimits> };

export interface Run {
  running: Running;
  result: Promise<RunResult>;
  /** What was handed on so far. */
  frames: FrameBody[];
  /** Calls of `input` and `onInputWritten`. */
  calls: string[];
  stop: AbortController;
  /** Resolves to the first `text` frame's words. */
  said: Promise<string>;
}

/** One turn's folders in a home of their own, and the runs a test starts there. */
export interface Place extends AsyncDisposable {
  spec: LaunchSpec;
  journal: string;
  frameToken: string;
  /** The line the scripted runners take. */
  line: string;
  start(runtime: Runtime, changes?: Changes): Promise<Run>;
  /** The same for what was launched or found elsewhere. */
  supervise(running: Running, changes?: Changes): Run;
  /** Leaves word for a program. */
  tell(name: string): void;
  /** Word that a program left. */
  noted(name: string): string | undefined;
  /** Waits until a program has left word. */
  heard(name: string): Promise<string>;
}

const MiB = 1024 * 1024;
const resources: ResourceLimits = {
  memory: 512 * MiB,
  cpus: 1,
  pids: 128,
  shm: 64 * MiB,
  fileSize: 2048 * MiB,
  network: "bridge",
};

export function createPlace(): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-runtime-")));
  const paths = homePaths(root).group(MAIN);
  makeGroupFolders(paths);
  const turn = newTurnId();
  const spec: LaunchSpec = {
    turn,
    attempt: 1,
    folder: MAIN,
    paths,
    zone: "Europe/Berlin",
    oneShot: true,
    mounts: [],
    agentHome: null,
    limits: resources,
  };
  const journal = journalPath(paths.ipc, turn, 1);
  const frameToken = randomBytes(8).toString("hex");
  const line = JSON.stringify({ turn, attempt: 1, frameToken });
  const started: { runtime: Runtime; running: Running }[] = [];
  const word = (name: string) => join(paths.ipc, "outgoing", name);
  const noted = (name: string) => (existsSync(word(name)) ? readFileSync(word(name), "utf8") : undefined);
  const supervise: Place["supervise"] = (running, changes = {}) =>
    superviseIn({ journal, frameToken, line }, running, changes);
  return {
    ...{ spec, journal, frameToken, line, supervise, noted },
    start: async (runtime, changes) => {
      const running = await runtime.launch(spec);
      started.push({ runtime, running });
      return supervise(running, changes);
    },
    tell: (name) => writeFileSync(word(name), ""),
    heard: async (name) => {
      for (;;) {
        const text = noted(name);
        if (text) return text;
        await sleep(10);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const { runtime, running } of started) {
        running.signal("KILL");
        await running.exited;
        await runtime.clear(running.handle);
      }
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function superviseIn(
  { line, ...fixed }: Pick<Place, "journal" | "frameToken" | "line">,
  running: Running,
  { limits: changed, onFrame, ...changes }: Changes,
): Run {
  const frames: FrameBody[] = [];
  const calls: string[] = [];
  const stop = new AbortController();
  const { promise: said, resolve: say } = Promise.withResolvers<string>();
  const result = superviseRun({
    ...fixed,
    running,
    limits: { ...limits, ...changed },
    clock: systemClock,
    stop: stop.signal,
    input: () => {
      calls.push("input");
      return Promise.resolve(line);
    },
    onInputWritten: () => void calls.push("written"),
    onFrame: (body) => {
      frames.push(body);
      if (body.type === "text") say(body.text);
      onFrame?.(body);
    },
    ...changes,
  });
  result.catch(() => {}); // a test that expects a rejection awaits it later
  return { running, result, frames, calls, stop, said };
}
