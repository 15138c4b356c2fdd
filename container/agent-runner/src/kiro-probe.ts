// Asks kiro-cli once what it knows, where an image is made: node kiro-probe.mjs <file>. Without a
// kiro-cli there is nothing to ask, and that is no failure.
import { kiroEnvironment } from "./backends/kiro/environment.ts";
import { probeKiro } from "./backends/kiro/probe.ts";

const found = await probeKiro({
  env: kiroEnvironment(process.env, {}),
  cwd: process.cwd(),
  cache: process.argv[2],
  ownGroup: false,
  signal: new AbortController().signal,
});
switch (found.kind) {
  case "found":
    process.stdout.write(`${JSON.stringify(found.capabilities)}\n`);
    break;
  case "missing":
    process.stdout.write("There is no kiro-cli here.\n");
    break;
  case "unusable":
    fail(`kiro-cli does not run: ${found.error}`);
    break;
  case "slow":
    fail("kiro-cli did not answer in time.");
    break;
  default:
    found satisfies never;
}

function fail(problem: string): void {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
