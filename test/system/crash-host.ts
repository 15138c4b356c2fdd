/**
 * A host that ends itself with SIGKILL at a named point: `crash-host.ts [point] [nth time]`, with
 * its home and settings in the environment. Says `ready` on stdout when it serves.
 */
import { flushCompileCache } from "node:module";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { startHost } from "../../src/main.ts";

const [point = "", nth = "1"] = process.argv.slice(2);
let passes = 0;

const host = await startHost({
  config: loadConfig({ env: process.env, defaultHome: "" }),
  clock: systemClock,
  env: process.env,
  what: "crash test",
  checkpoint: (name) => {
    if (name !== point) return;
    passes += 1;
    if (passes === Number(nth)) process.kill(process.pid, "SIGKILL");
  },
});
// Kept at a process's end else, and most of these are killed.
flushCompileCache();
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void host[Symbol.asyncDispose]().then(() => process.exit(0));
});
