// A host that starts one run in a container and then does nothing, until it is killed:
// `node docker-starter.ts <install> <image> <launch spec> <input line, or empty> <runner's arguments>`.
import { once } from "node:events";
import type { LaunchSpec } from "../../src/runtime/runtime.ts";
import { createTestEngine, testRuntime } from "./engine.ts";

const [install = "", image = "", spec = "", line = "", ...command] = process.argv.slice(2);
const runtime = testRuntime(createTestEngine(process.env), { install, image, command });
const running = await runtime.launch(JSON.parse(spec) as LaunchSpec);
process.stdout.write(`${JSON.stringify(running.handle)}\n`);
if (running.stdout && running.stdin) {
  await once(running.stdout, "data");
  if (line !== "") running.stdin.write(`${line}\n`, () => process.stdout.write("given\n"));
}
setInterval(() => {}, 1_000_000);
