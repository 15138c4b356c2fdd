import { join } from "node:path";
import { systemClock } from "../clock.ts";
import {
  buildArguments,
  buildCommand,
  containerProblem,
  lookAtContainers,
  type ContainerState,
} from "../containers.ts";
import { homePaths } from "../home.ts";
import { buildImage, type BuildEnd } from "../runtime/docker/build-image.ts";
import { adviceNow, isDown } from "./engine.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";
import { Cancelled } from "./ui.ts";

export const imageStep: Step = { name: "image", title: "The image that turns run in", look, run };

const stateNow = ({ config, terminal }: Setup): Promise<ContainerState> =>
  lookAtContainers(config().settings, terminal.env, systemClock);

async function look(setup: Setup): Promise<State> {
  const { settings } = setup.config();
  if (settings.NANOCLAW_AGENT_RUNTIME === "host") return { kind: "done", detail: "not needed: turns are processes" };
  const state = await stateNow(setup);
  const problem = containerProblem(state, settings);
  const image = settings.NANOCLAW_AGENT_IMAGE;
  if (isDown(state)) {
    return { kind: "impossible", detail: problem?.detail ?? "", cure: problem?.cure ?? "", waitsFor: "engine" };
  }
  if (problem) return { kind: "todo", detail: problem.detail };
  if (setup.answers.rebuild) return { kind: "todo", detail: `${image} is to be built anew` };
  return { kind: "done", detail: `${image}, made from these sources` };
}

async function run(setup: Setup): Promise<Outcome> {
  const { ui, config } = setup;
  const command = buildCommand(config().settings);
  for (;;) {
    ui.note(`Building it takes some minutes and downloads about 400 MB: ${command}`);
    if (ui.ask && !(await ui.ask.confirm("Build it now?"))) {
      return { status: "skipped", detail: "not built: the offline agent answers the local chat", cure: command };
    }
    const outcome = await buildOnce(setup);
    if (outcome.status !== "failed" || !ui.ask) return outcome;
    ui.note([outcome.detail, `-> ${outcome.cure ?? ""}`]);
  }
}

async function buildOnce(setup: Setup): Promise<Outcome> {
  const { config, terminal, ui, answers } = setup;
  const { settings, home } = config();
  const logFile = join(homePaths(home).logs, "image-build.log");
  const end = await buildImage({
    ...{ program: settings.NANOCLAW_DOCKER, args: buildArguments(settings, answers.buildArgs) },
    ...{ env: terminal.env, logFile, onStage: ui.progress, signal: terminal.interrupted },
  });
  ui.progress(null);
  if (end.kind === "interrupted") throw new Cancelled();
  if (end.kind !== "built") return failed(setup, end, logFile);
  const problem = containerProblem(await stateNow(setup), settings);
  if (!problem) return { status: "done", detail: `${settings.NANOCLAW_AGENT_IMAGE} was built` };
  return { status: "failed", detail: `it was built, but ${problem.detail}`, cure: problem.cure };
}

async function failed(setup: Setup, end: Exclude<BuildEnd, { kind: "built" }>, logFile: string): Promise<Outcome> {
  if (end.kind === "not-started")
    return { status: "failed", detail: end.problem, cure: "nanoclaw setup --only engine" };
  const said = end.kind === "failed" ? end.said : [];
  setup.ui.note([
    "The build failed. It said last:",
    "",
    ...said.map((line) => `  ${line}`),
    "",
    `All of it: ${logFile}`,
  ]);
  const advice = await adviceNow(setup);
  if (advice) {
    const detail = `the container engine stopped while the image was built; the log is ${logFile}`;
    return { status: "failed", detail, cure: `${advice.commands.join(" or ")}, then the same command again` };
  }
  const last = said.at(-1)?.trim() ?? "it said nothing";
  return { status: "failed", detail: `the build failed: ${last} (log: ${logFile})`, cure: cureOf(said.join("\n")) };
}

/** By what the builders say. */
export function cureOf(said: string): string {
  if (/no space left on device|disk quota/i.test(said)) {
    return "make room on the engine's disk (docker system df shows what takes it, docker system prune removes what is unused)";
  }
  if (
    /could not resolve|no such host|timeout|timed out|network is unreachable|connection refused|TLS handshake/i.test(
      said,
    )
  ) {
    return "check the network (a proxy?), then the same command again; without Kiro's installer: --build-arg KIRO_CLI=none";
  }
  if (/kiro/i.test(said)) return "bring kiro-cli as a file, or leave it out: docs/containers.md, under --build-arg";
  return "the log says why; then the same command again";
}
