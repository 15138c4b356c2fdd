import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { createHostRuntime } from "../../src/runtime/host.ts";
import { processStart } from "../../src/runtime/process-identity.ts";
import { LaunchError } from "../../src/runtime/runtime.ts";
import { describeRuntimeContract } from "./contract.ts";
import { createPlace } from "./place.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const scriptedRunner = path("fixtures/scripted-runner.mjs");
const realRunner = path("../../container/agent-runner/src/main.ts");

const createRuntime = (runner: readonly [string, ...string[]], env: NodeJS.ProcessEnv = process.env) =>
  createHostRuntime({ runner, env, clock: systemClock, compileCache: "", kiroProbe: "/dev/null" });
const scripted = (...args: string[]) => createRuntime([process.execPath, scriptedRunner, ...args]);

describeRuntimeContract("host", {
  scripted,
  real: () => createRuntime([process.execPath, realRunner]),
  starter: [process.execPath, path("fixtures/host-starter.ts")],
  alive: async (_handle, pid) => (await processStart(pid)) !== undefined,
  killLeader: (handle) => Promise.resolve(void process.kill((handle as { pid: number }).pid, "SIGKILL")),
  recycled: (handle) => {
    const { pid, start } = handle as { pid: number; start: string };
    return { pid, start: `${start}1` };
  },
});

/** All a runner ever sees of its host's environment. */
const passedOn = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR"],
  ...["XDG_DATA_HOME", "XDG_RUNTIME_DIR"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
];

describe("what a runner on the host gets", { timeout: 60_000 }, () => {
  test("is this environment and nothing else of its host's", async () => {
    await using place = createPlace();
    // Node itself reads the last one at its start.
    const names = passedOn.filter((name) => name !== "NODE_EXTRA_CA_CERTS");
    const own = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
    const secrets = {
      KIRO_API_KEY: "secret",
      AWS_SECRET_ACCESS_KEY: "secret",
      NANOCLAW_HOME: "/secret",
      NODE_OPTIONS: "--no-warnings",
      LD_PRELOAD: "",
      SSH_AUTH_SOCK: "/secret",
    };
    const runtime = createRuntime([process.execPath, scriptedRunner, "environment"], { ...own, ...secrets });
    const { answer } = await (await place.start(runtime)).result;
    const { paths } = place.spec;
    const seen = JSON.parse(answer?.status === "ok" ? answer.text : "{}") as { env: object; cwd: string };
    expect(seen.env).toEqual({
      ...own,
      TZ: "Europe/Berlin",
      NANOCLAW_REAL_HOME: "value of HOME",
      NANOCLAW_GROUP_DIR: paths.group,
      NANOCLAW_IPC_DIR: paths.ipc,
      NANOCLAW_GLOBAL_DIR: paths.global,
      NANOCLAW_EXTRA_DIR: paths.extra,
      NANOCLAW_AGENT_ONE_SHOT: "true",
      NODE_COMPILE_CACHE: "",
      NANOCLAW_KIRO_PROBE: "/dev/null",
    });
    expect(seen.cwd).toBe(paths.group);
  });

  test.each([
    ["a program that does not exist", ["/nonexistent/runner"]],
    ["an argument with a NUL byte", [process.execPath, "a\0b"]],
    ["arguments longer than the system takes", [process.execPath, "x".repeat(8 * 1024 * 1024)]],
  ] as [string, [string, ...string[]]][])(
    "cannot be started with %s, and the host hears why",
    async (_what, runner) => {
      await using place = createPlace();
      const failed = createRuntime(runner).launch(place.spec);
      await expect(failed).rejects.toThrow(LaunchError);
      await expect(failed).rejects.toMatchObject({ class: "crash", message: /^The runner could not be started: / });
    },
  );

  test("cannot be started where the group's folder cannot be made", async () => {
    await using place = createPlace();
    const file = join(dirname(place.journal), "file");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    const spec = { ...place.spec, paths: { ...place.spec.paths, group: join(file, "main") } };
    await expect(scripted("answers").launch(spec)).rejects.toThrow(LaunchError);
  });

  test("a handle of an earlier boot clears nothing", async () => {
    await using place = createPlace();
    const runtime = scripted("stubborn");
    const run = await place.start(runtime);
    const [leader, child] = (await run.said).split(" ").map(Number) as [number, number];
    const { pid, start } = run.running.handle as { pid: number; start: string };
    expect(pid).toBe(leader);
    await runtime.clear({ pid, start: start.replace(/^[^:]*/, "00000000-0000-4000-8000-000000000000") });
    expect(await processStart(child)).toBeDefined();
    run.stop.abort("stopped");
    run.running.signal("KILL");
    await run.result;
  });
});
