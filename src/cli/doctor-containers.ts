import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import {
  askEngine,
  buildArguments,
  buildCommand,
  containerProblem,
  lookAtContainers,
  type ContainerState,
} from "../containers.ts";
import type { LedgerStatus } from "../control/status.ts";
import { homePaths, installId } from "../home.ts";
import type { ChannelState } from "../main.ts";
import { buildImage } from "../runtime/docker/build-image.ts";
import { lockHome } from "../store/home-lock.ts";
import type { Check, Fix } from "./check.ts";

/** What a running host says of itself. */
export interface HostStatus {
  running: boolean;
  pid: number;
  runtime: string;
  /** NANOCLAW_AGENT_RUNTIME as the host sees it, null where it is unset; one of an older version does not say. */
  configuredRuntime?: "docker" | "host" | null;
  runningTurns: unknown[];
  /** Somebody was logged in to Kiro at a start. */
  kiroSeen: boolean;
  groups: { agent: string | null }[];
  channels: ChannelState[];
  retention?: LedgerStatus["retention"];
}

export interface ContainerQuestion {
  config: Config;
  env: NodeJS.ProcessEnv;
  interrupted: AbortSignal;
  /** Where a build says how far it is. */
  stderr: Pick<NodeJS.WriteStream, "write">;
}

/** Engine, image, where turns run, and what containers there are. */
export async function checkContainers(
  question: ContainerQuestion,
  host: HostStatus | undefined,
  isKiro: boolean,
): Promise<Check[]> {
  const { config, env } = question;
  const configured = config.settings.NANOCLAW_AGENT_RUNTIME;
  if (configured === "host") return [runsOnHost(isKiro, "set so by NANOCLAW_AGENT_RUNTIME")];
  const state = await lookAtContainers(config.settings, env, systemClock);
  const problem = containerProblem(state, config.settings);
  // Without an engine the offline agent still answers, unless containers were asked for.
  const missing = configured === "docker" || isKiro ? "wrong" : "note";
  const engine = askEngine(config.settings, env, systemClock);
  if (state.kind === "no-client" || state.kind === "no-engine") {
    const said = state.kind === "no-engine" ? `: ${state.detail}` : "";
    const check: Check = { name: "engine", state: missing, detail: `${problem?.detail ?? ""}${said}` };
    return [{ ...check, ...(problem && { cure: problem.cure }) }, whereTurnsRun(config, state, host, isKiro)];
  }
  const detail = `${config.settings.NANOCLAW_DOCKER} ${await engine.version().catch(() => "answers")}`;
  const image = config.settings.NANOCLAW_AGENT_IMAGE;
  return [
    { name: "engine", state: "ok", detail },
    problem
      ? { name: "image", state: state.kind === "other-source" ? "note" : missing, ...problem, fix: build(question) }
      : { name: "image", state: "ok", detail: `${image}, made from these sources` },
    whereTurnsRun(config, state, host, isKiro),
    await checkLeftOver(config, env, host),
  ];
}

function build({ config: { settings, home }, env, interrupted, stderr }: ContainerQuestion): Fix {
  const logFile = join(homePaths(home).logs, "image-build.log");
  return {
    what: `build the image, which takes some minutes and downloads about 400 MB: ${buildCommand(settings)}`,
    run: async () => {
      const end = await buildImage({
        ...{ program: settings.NANOCLAW_DOCKER, args: buildArguments(settings, []), env, logFile, signal: interrupted },
        onStage: (stage) => void stderr.write(`  ${stage}\n`),
      });
      switch (end.kind) {
        case "built":
          return `${settings.NANOCLAW_AGENT_IMAGE} was built`;
        case "failed":
          throw new Error(`${end.said.at(-1)?.trim() ?? "it said nothing"} (all that it said: ${logFile})`);
        case "not-started":
          throw new Error(end.problem);
        case "interrupted":
          throw new Error("interrupted");
        default:
          return end satisfies never;
      }
    },
  };
}

/** What still works in one of them is cut off, and goes on at the next start as after a crash. */
function removeContainers(config: Config, env: NodeJS.ProcessEnv, names: string[]): Fix {
  return {
    what: `remove the containers ${names.join(", ")}`,
    run: async () => {
      const locked = lockHome(homePaths(config.home).store, "nanoclaw doctor");
      if ("heldBy" in locked) throw new Error("a host was started meanwhile: it sees to them");
      using _lock = locked.lock;
      await askEngine(config.settings, env, systemClock).remove(names);
      return "removed";
    },
  };
}

const runsOnHost = (isKiro: boolean, why: string): Check => ({
  name: "runtime",
  state: "note",
  detail: `host, ${why}: turns are plain processes of this user, without any isolation${isKiro ? ": Kiro can read and run whatever you can" : " (the offline agent runs no commands)"}`,
});

/** A running host decided at its start; without one, what the next start would decide. */
function whereTurnsRun(config: Config, state: ContainerState, host: HostStatus | undefined, isKiro: boolean): Check {
  const isReady = state.kind === "ready" || state.kind === "other-source";
  const isWanted = config.settings.NANOCLAW_AGENT_RUNTIME === "docker" || isKiro;
  const next = isReady || isWanted ? "docker" : "host";
  const now = host?.running ? host.runtime : next;
  if (now === "host" && next === "docker") {
    const check = runsOnHost(isKiro, "since at its start there was no container engine with an image");
    return { ...check, cure: "restart the host: turns then run in containers" };
  }
  if (now === "host") return runsOnHost(isKiro, "for want of containers");
  if (isReady) return { name: "runtime", state: "ok", detail: "docker: turns run in containers" };
  const cure = "see above; or, without isolation, NANOCLAW_AGENT_RUNTIME=host";
  return { name: "runtime", state: "wrong", detail: "docker: messages wait for the container engine", cure };
}

async function checkLeftOver(config: Config, env: NodeJS.ProcessEnv, host: HostStatus | undefined): Promise<Check> {
  const home = homePaths(config.home);
  const name = "containers";
  if (!existsSync(home.installId)) return { name, state: "ok", detail: "none yet" };
  try {
    const names = await askEngine(config.settings, env, systemClock).containers(installId(home));
    const [count, turns] = [names.length, host?.running ? host.runningTurns.length : 0];
    if (count === 0) return { name, state: "ok", detail: "none is left over" };
    // A run that stays between turns, and one that is being removed, have no turn that runs.
    if (host?.running)
      return { name, state: "ok", detail: `${count}, with ${turns} turns running: ${names.join(", ")}` };
    const cure = `npm start takes up their turns, or removes them; or: ${config.settings.NANOCLAW_DOCKER} rm -f ${names.join(" ")}`;
    const detail = `${count} left over while no host runs: ${names.join(", ")}`;
    return { name, state: "wrong", detail, cure, fix: removeContainers(config, env, names) };
  } catch (error) {
    return { name, state: "wrong", detail: (error as Error).message, cure: "see the engine" };
  }
}
