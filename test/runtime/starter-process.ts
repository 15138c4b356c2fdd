import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LaunchSpec } from "../../src/runtime/runtime.ts";

/** Another host: it starts a run and is killed. */
export interface Starter extends AsyncDisposable {
  /** JSON that came back from where a host would have kept it. */
  handle: unknown;
  kill(): Promise<void>;
}

/** Resolves once the handle is known, and once the line is given when there is one. */
export async function startElsewhere(
  command: readonly [string, ...string[]],
  spec: LaunchSpec,
  line: string,
  args: readonly string[],
): Promise<Starter> {
  const [program, ...first] = command;
  const child = spawn(program, [...first, JSON.stringify(spec), line, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => killProcess(child);
  const expected = line === "" ? 1 : 2;
  const said: string[] = [];
  for await (const each of createInterface(child.stdout)) if (said.push(each) === expected) break;
  if (said.length < expected) throw new Error(`the starter ended after it had said ${JSON.stringify(said)}`);
  return { handle: JSON.parse(said[0] as string), kill, [Symbol.asyncDispose]: kill };
}

async function killProcess(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
