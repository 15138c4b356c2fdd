import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { homePaths, installId } from "../../src/home.ts";
import { run } from "../system/command.ts";
import { tempHome } from "../system/site.ts";
import { until } from "../system/until.ts";
import type { TestEngine } from "./engine.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/nanoclaw", import.meta.url));

/** A host of a user who is not root, in the group that may use the engine's socket. */
export interface PlainHost extends AsyncDisposable {
  home: string;
  /** What `nanoclaw chat` printed. */
  chat(text: string): Promise<string>;
  behave(way: string): void;
  /** Makes a file in the main group's folder. */
  leave(name: string): void;
  /** Waits until a turn's container runs; to its name. */
  container(): Promise<string>;
  /** Waits until no container is left. */
  idle(): Promise<void>;
}

/** @param changes environment and settings, over what every such host gets. */
export async function startPlainHost(
  engine: TestEngine,
  user: number,
  changes: Record<string, string> = {},
): Promise<PlainHost> {
  const home = realpathSync(tempHome());
  chownSync(home, user, user);
  const own = { NANOCLAW_HOME: home, TZ: "UTC", NANOCLAW_STOP_BUDGET: "2000" };
  const env = { ...own, ...engine.settings(await engine.ways()), ...changes };
  const { PATH = "", DOCKER_HOST = "unix:///var/run/docker.sock" } = engine.env;
  const { gid } = statSync(DOCKER_HOST.replace(/^unix:\/\//, ""));
  const who = [`--reuid=${user}`, `--regid=${user}`, `--groups=${gid}`];
  const child = spawn("setpriv", [...who, PROGRAM, "start"], {
    env: { PATH, HOME: home, DOCKER_HOST, ...env },
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  for await (const line of createInterface(child.stdout)) if (line.startsWith("Next: ")) break;
  const install = installId(homePaths(home));
  return {
    home,
    chat: async (text) => (await run(home, ["chat", text], { env, uid: user })).stdout,
    behave: (way) => writeFileSync(join(home, "groups", "main", "way"), way),
    leave: (name) => writeFileSync(join(home, "groups", "main", name), ""),
    container: async () => {
      let names: string[] = [];
      await until(async () => (names = await engine.containersOf(install)).length > 0);
      return names[0] as string;
    },
    idle: () => until(async () => (await engine.containersOf(install)).length === 0),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await closed;
      await engine.removeAll(install);
      rmSync(home, { recursive: true });
    },
  };
}
