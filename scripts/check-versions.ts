// The runner is built in its image from its own package-lock.json: it must be what is tested here.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lockProblems, lockSchema, packageSchema } from "./lock-problems.ts";

const read = (path: string): unknown =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8"));

const problems = lockProblems(
  lockSchema.parse(read("package-lock.json")),
  lockSchema.parse(read("container/agent-runner/package-lock.json")),
  packageSchema.parse(read("container/agent-runner/package.json")),
);
if (problems.length > 0) {
  process.stderr.write(
    `The locks of the repository and of the runner differ:\n  ${problems.join("\n  ")}\n` +
      "Write the runner's anew: cd container/agent-runner && npm install --package-lock-only --no-workspaces\n" +
      "and where the root's is behind: npm update <package>\n",
  );
  process.exitCode = 1;
}
