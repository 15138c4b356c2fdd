import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { findProgram } from "../cli/find-program.ts";
import { systemClock } from "../clock.ts";
import { askEngine, lookAtContainers, type ContainerState } from "../containers.ts";
import { adviseEngine, type EngineAdvice, type EngineFacts } from "./engine-advice.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";

export const engineStep: Step = {
  name: "engine",
  title: "Container engine: every turn of the agent runs in a container of its own",
  look,
  run,
};

async function look({ config, terminal }: Setup): Promise<State> {
  const { settings } = config();
  if (settings.NANOCLAW_AGENT_RUNTIME === "host") return { kind: "done", detail: onHost };
  const state = await lookAtContainers(settings, terminal.env, systemClock);
  if (isDown(state)) return { kind: "todo", detail: saidOf(state) };
  const version = await askEngine(settings, terminal.env, systemClock)
    .version()
    .catch(() => "answers");
  return { kind: "done", detail: `${settings.NANOCLAW_DOCKER} ${version}` };
}

const onHost = "not needed: NANOCLAW_AGENT_RUNTIME=host, turns are plain processes of yours, without any isolation";

export const isDown = (state: ContainerState): state is Extract<ContainerState, { kind: "no-client" | "no-engine" }> =>
  state.kind === "no-client" || state.kind === "no-engine";

const saidOf = (state: ContainerState): string => (state.kind === "no-engine" ? state.detail : "not installed");

/** A person may cure it in another terminal and have it tried again. */
async function run(setup: Setup): Promise<Outcome> {
  const { ui } = setup;
  for (;;) {
    const advice = await adviceNow(setup);
    if (advice === undefined) return settled(setup);
    if (!ui.ask) return { status: "failed", detail: advice.what, cure: inOneLine(advice) };
    ui.note([
      advice.what,
      "",
      ...advice.commands.map((command) => `    ${command}`),
      ...(advice.then ? ["", advice.then] : []),
    ]);
    const way = await ui.ask.choose("When that is done, in another terminal:", choices(setup));
    if (way === "without") return { status: "skipped", detail: without, cure: inOneLine(advice) };
    if (way === "podman") setup.save({ NANOCLAW_DOCKER: "podman" });
  }
}

const without = "not now: the offline agent answers the local chat; Kiro waits until there are containers";

const inOneLine = ({ commands, then }: EngineAdvice): string =>
  [commands.join("   then: "), then].filter((text) => text !== undefined && text !== "").join("\n");

function choices({ config, terminal }: Setup) {
  const isOffered = config().settings.NANOCLAW_DOCKER === "docker" && findProgram("podman", terminal.env) !== undefined;
  return [
    { value: "again", label: "Try again" },
    ...(isOffered
      ? [{ value: "podman", label: "Use podman, which is installed", hint: "NANOCLAW_DOCKER=podman" }]
      : []),
    { value: "without", label: "Go on without containers", hint: "offline agent only" },
  ];
}

async function settled(setup: Setup): Promise<Outcome> {
  const { detail } = await look(setup);
  return { status: "done", detail };
}

/** What to do; undefined: it works now. */
export async function adviceNow({ config, terminal }: Setup): Promise<EngineAdvice | undefined> {
  const { settings } = config();
  const state = await lookAtContainers(settings, terminal.env, systemClock);
  if (!isDown(state)) return undefined;
  const problem = problemOf(state);
  return adviseEngine({
    ...{ platform: process.platform, release: read("/etc/os-release"), client: settings.NANOCLAW_DOCKER, problem },
    isNewMember: isNewMember(),
    programs: {
      colima: findProgram("colima", terminal.env) !== undefined,
      podman: findProgram("podman", terminal.env) !== undefined,
    },
  });
}

function problemOf(state: ContainerState): EngineFacts["problem"] {
  if (state.kind === "no-client") return "no-client";
  return /permission denied/i.test(saidOf(state)) ? "not-permitted" : "not-started";
}

/** The group's file names this user, and the process is not in it. */
function isNewMember(): boolean {
  const [, id, members = ""] = /^docker:[^:]*:(\d+):(.*)$/m.exec(read("/etc/group")) ?? [];
  const isListed = members.split(",").includes(userInfo().username);
  return isListed && !(process.getgroups?.() ?? []).includes(Number(id));
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // another system
  }
}
