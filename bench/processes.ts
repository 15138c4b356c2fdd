import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { plainEnv } from "./home.ts";

const program = fileURLToPath(new URL("../bin/nanoclaw", import.meta.url));
const READY = "NanoClaw runs";

/** The measure of this machine: an empty program, from spawn to exit. */
export async function emptyNode(): Promise<void> {
  const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
  await once(child, "exit");
}

/** From spawn to the line that says it runs; the stop is not counted. */
export async function startToReady(home: string): Promise<number> {
  const start = performance.now();
  const child = spawn(program, ["start"], { env: plainEnv(home), stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let said = "";
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes(READY)) break;
  }
  const ms = performance.now() - start;
  if (!said.includes(READY)) throw new Error(`the host did not start: ${said}`);
  child.kill("SIGTERM");
  await exited;
  return ms;
}
