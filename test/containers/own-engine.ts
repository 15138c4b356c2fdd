import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../system/until.ts";
import { createTestEngine, type TestEngine } from "./engine.ts";

/** An engine that a test may stop and kill; its client is a program of its own. */
export interface OwnEngine extends AsyncDisposable {
  engine: TestEngine;
  start(): Promise<void>;
  /** SIGTERM: it ends its containers first. SIGKILL: they go on. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/**
 * @param image copied from the other engine.
 */
export async function createOwnEngine(other: TestEngine, image: string): Promise<OwnEngine> {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-engine-"));
  const socket = `unix://${join(root, "s")}`;
  const program = writeScript(join(root, "docker"), `exec ${await pathOf(other.program)} -H ${socket} "$@"`);
  const engine = createTestEngine({ ...process.env, NANOCLAW_DOCKER: program, NANOCLAW_AGENT_IMAGE: image });
  const log = openSync(join(root, "dockerd.log"), "a");
  let daemon: ChildProcess | undefined;
  const own: OwnEngine = {
    engine,
    start: async () => {
      // In a network of its own: it must not touch the bridge and the rules of the engine that is there.
      const command = 'ip link set lo up; exec dockerd "$@"';
      const args = ["--net", "sh", "-c", command, "dockerd", ...daemonArguments(root, socket)];
      daemon = spawn("unshare", args, { stdio: ["ignore", log, log] });
      await until(async () => (await engine.ask("version")).code === 0 || daemon?.exitCode !== null);
      await engine.run("version");
    },
    end: async (signal) => {
      if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
      const ended = once(daemon, "exit");
      daemon.kill(signal);
      await ended;
      // Its containerd ends with it, but later; the next one waits for that in vain.
      await endContainerd(root);
    },
    [Symbol.asyncDispose]: async () => {
      if (daemon?.exitCode !== null || daemon.signalCode !== null) await own.start();
      const left = (await engine.run("ps", "--all", "--quiet")).split("\n").filter(Boolean);
      for (const id of left) await engine.ask("rm", "--force", id);
      await own.end("SIGTERM");
      await endContainerd(root);
      closeSync(log);
      unmountBelow(root);
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await own.start();
  await copyImage(other.program, program, image);
  return own;
}

/** A program that stands where the client would. */
export function writeScript(path: string, line: string): string {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
  return path;
}

function daemonArguments(root: string, socket: string): string[] {
  const at = (name: string) => join(root, name);
  return [
    ...[`--data-root=${at("data")}`, `--exec-root=${at("exec")}`, `--pidfile=${at("pid")}`, `--host=${socket}`],
    "--default-address-pool=base=10.213.0.0/16,size=24",
  ];
}

/** It outlives a daemon that was killed. */
async function endContainerd(root: string): Promise<void> {
  const path = join(root, "exec", "containerd", "containerd.pid");
  try {
    const pid = Number(readFileSync(path, "utf8"));
    process.kill(pid, "SIGTERM");
    await until(() => !isAlive(pid));
  } catch {
    // it is gone
  }
}

/** A daemon that was killed leaves its containers' mounts behind. */
function unmountBelow(root: string): void {
  const points = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const point of points) if (point.startsWith(`${root}/`)) spawnSync("umount", ["--lazy", point]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function copyImage(from: string, to: string, image: string): Promise<void> {
  const child = spawn("sh", ["-c", '"$0" save "$2" | "$1" load', from, to, image], { stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`the image ${image} could not be copied`);
}

async function pathOf(program: string): Promise<string> {
  if (program.includes("/")) return program;
  const child = spawn("sh", ["-c", 'command -v "$0"', program], { stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8").trim();
}
