import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/domain/log.ts";
import { createDockerRuntime, type DockerRuntimeOptions } from "../../src/runtime/docker/docker.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** An engine that tests may use, with the agent's image in it. */
export interface TestEngine {
  /** The client's program, and how it finds its engine. */
  program: string;
  env: NodeJS.ProcessEnv;
  /** The agent's image as it is delivered. */
  image: string;
  /** What the client says, whatever its exit code. */
  ask(...args: string[]): Promise<Said>;
  /** Its output; rejects with what it complains of. */
  run(...args: string[]): Promise<string>;
  /** The agent's image with `test/runtime/fixtures/scripted-runner.mjs` as its runner; the command says which way. */
  scripted(): Promise<string>;
  /** The same with `test/system/fixtures/runner.mjs`: the file `way` in the group's folder says which. */
  ways(): Promise<string>;
  /** Settings of a host that uses this engine and image. */
  settings(image: string): Record<string, string>;
  /** Containers with an installation's label, in any state. */
  containersOf(install: string): Promise<string[]>;
  /** Removes an installation's containers and network. */
  removeAll(install: string): Promise<void>;
}

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const KIT = "test/runtime/fixtures/kit.mjs";
const SCRIPTED = "test/runtime/fixtures/scripted-runner.mjs";
const WAYS = "test/system/fixtures/runner.mjs";

export const newInstall = (): string => randomBytes(12).toString("hex");

/** A suite on a real engine. Without one it is skipped and says why, or fails where `CONTAINERS=required`. */
export async function describeContainers(
  name: string,
  suite: (engine: TestEngine) => void | Promise<void>,
): Promise<void> {
  const engine = createTestEngine(process.env);
  const missing = await whatIsMissing(engine);
  if (missing === undefined) {
    describe(name, { timeout: 120_000 }, () => suite(engine));
    return;
  }
  if (process.env["CONTAINERS"] === "required") throw new Error(`${name}: ${missing}`);
  process.stderr.write(`Skipped: ${name}: ${missing}\n`);
  describe.skip(`${name} (skipped: ${missing})`, () => {
    test("needs a container engine", () => {});
  });
}

async function whatIsMissing({ program, image, ask }: TestEngine): Promise<string | undefined> {
  const inspected = await ask("image", "inspect", "--format", "{{.Id}}", image);
  return inspected.code === 0 ? undefined : `${program}: ${inspected.stderr.trim() || "no answer"}`;
}

/** @param env how the client finds its engine; `NANOCLAW_DOCKER` names the client. */
export function createTestEngine(env: NodeJS.ProcessEnv): TestEngine {
  const program = env["NANOCLAW_DOCKER"] ?? "docker";
  const image = env["NANOCLAW_AGENT_IMAGE"] ?? "nanoclaw-agent:latest";
  const ask = (...args: string[]) => runClient(program, args, env);
  const run = async (...args: string[]) => {
    const said = await ask(...args);
    if (said.code !== 0) throw new Error(`${program} ${args.join(" ")}: ${said.stderr.trim()}`);
    return said.stdout.trim();
  };
  const lines = async (...args: string[]) => (await run(...args)).split("\n").filter(Boolean);
  const containersOf = (install: string) =>
    lines("ps", "--all", `--filter=label=com.nanoclaw.install=${install}`, "--format={{.Names}}");
  const build = (entry: string) => buildOnce({ ask, run }, image, entry);
  return {
    ...{ program, env, image, ask, run, containersOf },
    scripted: () => build(SCRIPTED),
    ways: () => build(WAYS),
    settings: (own) => ({
      NANOCLAW_AGENT_RUNTIME: "docker",
      NANOCLAW_DOCKER: program,
      NANOCLAW_AGENT_IMAGE: own,
    }),
    removeAll: async (install) => {
      const label = `--filter=label=com.nanoclaw.install=${install}`;
      for (const name of await containersOf(install)) await ask("rm", "--force", name);
      for (const id of await lines("network", "ls", label, "--format={{.ID}}")) await ask("network", "rm", id);
    },
  };
}

/** A runtime on that engine, of an installation of its own. */
export function testRuntime(
  engine: TestEngine,
  changes: Partial<DockerRuntimeOptions> & { install: string; image: string },
): Runtime {
  return createDockerRuntime({
    program: engine.program,
    env: engine.env,
    user: testUser(),
    mayChown: process.getuid?.() === 0,
    clock: systemClock,
    log: silentLog,
    ...changes,
  });
}

/** Whom containers run as in tests: nobody of this machine where the tests are root. */
export function testUser(): { uid: number; gid: number } {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return uid === 0 ? { uid: 234_567, gid: 234_567 } : { uid, gid };
}

/** Named after its content, so that it is built once and never stale. */
async function buildOnce({ ask, run }: Pick<TestEngine, "ask" | "run">, base: string, entry: string): Promise<string> {
  const files = [KIT, entry].map((path) => ({ path, content: readFileSync(join(REPOSITORY, path)) }));
  const dockerfile = `FROM ${base}\nCOPY test /app/test\nENTRYPOINT ["node", "/app/${entry}"]\n`;
  const hash = createHash("sha256")
    .update(await run("image", "inspect", "--format={{.Id}}", base))
    .update(dockerfile);
  for (const { content } of files) hash.update(content);
  const tag = `nanoclaw-test:${hash.digest("hex").slice(0, 16)}`;
  if ((await ask("image", "inspect", tag)).code === 0) return tag;
  const context = mkdtempSync(join(tmpdir(), "nanoclaw-image-"));
  try {
    writeFileSync(join(context, "Dockerfile"), dockerfile);
    for (const { path, content } of files) {
      mkdirSync(dirname(join(context, path)), { recursive: true, mode: 0o755 });
      writeFileSync(join(context, path), content, { mode: 0o644 });
    }
    await run("build", "--quiet", `--tag=${tag}`, context);
    return tag;
  } finally {
    rmSync(context, { recursive: true });
  }
}

function runClient(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<Said> {
  return new Promise((resolve) => {
    // The legacy builder needs no plugin, and every engine in use has it.
    const child = spawn(program, args, { env: { ...env, DOCKER_BUILDKIT: "0" }, stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => (said[name] += text));
    }
    child.once("error", (error) => resolve({ code: null, ...said, stderr: error.message }));
    child.once("close", (code) => resolve({ code, ...said }));
  });
}
