// Does what its arguments say, one step each: out:TEXT err:TEXT sleep:MS read deaf helper:MS flood:out exit:CODE
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const steps = {
  out: (words) => void writeSync(1, words),
  err: (words) => void writeSync(2, words),
  /** Without end. */
  async flood(stream) {
    for (;;) {
      process[stream === "out" ? "stdout" : "stderr"].write("x".repeat(60_000));
      await sleep(0);
    }
  },
  sleep: (ms) => sleep(Number(ms)),
  read: async () => void writeSync(1, `read ${(await text(process.stdin)).length}`),
  deaf: () => void process.on("SIGTERM", () => undefined),
  /** A process that stays behind, holds the pipes and has something to say. */
  helper(ms) {
    const code = `setTimeout(() => { try { require("fs").writeSync(1, "late") } catch {} }, ${ms}); setTimeout(() => {}, 60_000)`;
    const helper = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "inherit", "inherit"] });
    writeSync(2, `helper ${helper.pid}\n`);
    helper.unref();
  },
  exit: (code) => process.exit(Number(code)),
};

for (const step of process.argv.slice(2)) {
  const [word, ...rest] = step.split(":");
  await steps[word](rest.join(":"));
}
