import type { Runtime } from "../../src/runtime/runtime.ts";

/** What a runtime has to provide to be tested; the scripted runners stand in `fixtures/`. */
export interface RuntimeUnderTest {
  /** A runtime whose runner is `fixtures/scripted-runner.mjs` with these arguments. */
  scripted(...args: string[]): Runtime;
  /** A runtime with the real runner. */
  real(): Runtime;
  /**
   * Command of a process that launches such a scripted runner, as a host that will be killed.
   * Appended are: the launch spec as JSON, the input line (empty: it is never written), and the
   * runner's arguments. It prints the handle as a line of JSON, then "given" once the input is.
   */
  starter: readonly [string, ...string[]];
  /** Whether a process that a scripted runner spoke of still runs; `pid` is as the runner sees it. */
  alive(handle: unknown, pid: number): Promise<boolean>;
  /** Ends the runner alone, as a crash would, and not what it started. */
  killLeader(handle: unknown): Promise<void>;
  /** The handle of a run whose number or name has gone to somebody else since. */
  recycled(handle: unknown): unknown;
}
