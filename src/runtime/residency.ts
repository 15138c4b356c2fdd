import { PassThrough, Writable } from "node:stream";
import { frameSchema, parseReady, readyLine } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { askToLeave } from "./follow-up.ts";
import type { Exit, Running } from "./runtime.ts";

export interface ResidencyOptions {
  running: Running;
  fits: string;
  ipc: string;
  clock: Clock;
  log: Log;
  grace: number;
}

/** A runner that stays, and the one turn it works on. */
export interface Residency {
  readonly handle: unknown;
  readonly fits: string;
  isIdle(): boolean;
  /** Aborts when it gets its next turn, or is gone. */
  wanted(): AbortSignal;
  firstTurn(onOver: () => void): Running;
  nextTurn(turn: { give(line: string): void; onOver(): void }): Running;
  /** Asks it to leave, then makes it. Resolves when it is gone. */
  leave(): Promise<void>;
}

interface View {
  stdout: PassThrough;
  stderr: PassThrough;
  end(exit: Exit): void;
}

export function createResidency({ running, fits, ipc, clock, log, grace }: ResidencyOptions): Residency {
  let view: View | undefined;
  let wanted = new AbortController();
  let isGone = false;

  const over = (exit: Exit) => {
    const ended = view;
    view = undefined;
    ended?.end(exit);
  };

  const watch = createTurnWatch(() => over({ code: 0, signal: null }));
  running.stdout?.on("data", (chunk: Buffer) => {
    view?.stdout.write(chunk);
    watch(chunk);
  });
  running.stderr?.on("data", (chunk: Buffer) => void view?.stderr.write(chunk));
  void running.exited.then((exit) => {
    isGone = true;
    wanted.abort();
    over(exit);
  });

  const turn = (stdin: Writable, onOver: () => void): Running => {
    wanted.abort();
    wanted = new AbortController();
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const exited = new Promise<Exit>((resolve) => {
      view = {
        ...streams,
        end: (exit) => {
          streams.stdout.end();
          streams.stderr.end();
          onOver();
          resolve(exit);
        },
      };
      if (isGone) over({ code: null, signal: null });
    });
    return { handle: running.handle, stdin, ...streams, exited, signal: running.signal };
  };

  return {
    handle: running.handle,
    fits,
    isIdle: () => view === undefined && !isGone,
    wanted: () => wanted.signal,
    // Its own standard input must stay open: the end of it would tell the runner that the host is gone.
    firstTurn: (onOver) => turn(toProcess(running), onOver),
    nextTurn: ({ give, onOver }) => {
      const next = turn(
        toFile(give, () => over({ code: 0, signal: null })),
        onOver,
      );
      (next.stdout as PassThrough).write(readyLine());
      return next;
    },
    leave: async () => {
      try {
        askToLeave(ipc);
      } catch (error) {
        log.warn({ error: (error as Error).message }, "A resident could not be asked to leave");
      }
      running.stdin?.end();
      const gone = new AbortController();
      void running.exited.then(() => gone.abort());
      for (const kind of ["TERM", "KILL"] as const) {
        await clock.sleep(grace, gone.signal);
        if (!gone.signal.aborted) running.signal(kind);
      }
      await running.exited;
    },
  };
}

/** Longer lines are nobody's `ready` or `closed`. */
const LONGEST_LINE = 4096;

/** Calls back when a turn's `closed` frame was followed by the next `ready`. */
function createTurnWatch(onOver: () => void): (chunk: Buffer) => void {
  let rest = "";
  let isClosed = false;
  const look = (line: string) => {
    if (line.startsWith('{"token":')) isClosed ||= isClosedFrame(line);
    else if (isClosed && parseReady(line)) {
      isClosed = false;
      onOver();
    }
  };
  return (chunk) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = (lines.pop() ?? "").slice(-LONGEST_LINE);
    for (const line of lines) if (line.length < LONGEST_LINE) look(line);
  };
}

function isClosedFrame(line: string): boolean {
  if (!line.includes('"closed"')) return false;
  try {
    return frameSchema.safeParse(JSON.parse(line)).data?.body.type === "closed";
  } catch {
    return false; // noise that looks like a frame
  }
}

/** What is written goes to the process; an end without a word tells it that nothing is asked. */
function toProcess(running: Running): Writable {
  let given = false;
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      given = true;
      if (running.stdin) running.stdin.write(chunk, done);
      else done();
    },
    final: (done) => {
      if (!given) running.stdin?.end();
      done();
    },
  }).on("error", () => {}); // the process is gone; its exit tells the story
}

function toFile(give: (line: string) => void, onNothing: () => void): Writable {
  let line = "";
  return new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, _encoding, done) => {
      line += chunk.toString();
      try {
        if (line.endsWith("\n")) give(line);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    final: (done) => {
      if (line === "") onNothing();
      done();
    },
  }).on("error", () => {}); // the run is failed by the write's own callback
}
