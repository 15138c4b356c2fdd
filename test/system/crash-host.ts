/**
 * A host that ends itself with SIGKILL at a named point: `crash-host.ts <home> [point] [nth time]`.
 * Says `ready` on stdout when it serves.
 */
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { startHost } from "../../src/main.ts";

const [home = "", point = "", nth = "1"] = process.argv.slice(2);
let passes = 0;
const runtime = { NANOCLAW_AGENT_RUNTIME: "host", NANOCLAW_AGENT_ONE_SHOT: process.env["NANOCLAW_AGENT_ONE_SHOT"] };

const config = loadConfig({ env: { NANOCLAW_HOME: home, LOG_LEVEL: "debug", TZ: "UTC", ...runtime }, defaultHome: home });
const host = await startHost({
  config,
  clock: systemClock,
  env: process.env,
  what: "crash test",
  checkpoint: (name) => {
    if (name !== point) return;
    passes += 1;
    if (passes === Number(nth)) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void host[Symbol.asyncDispose]().then(() => process.exit(0));
});
