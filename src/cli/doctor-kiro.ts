import { z } from "zod";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { askEngine, buildCommand } from "../containers.ts";
import type { PersonsKiro } from "../kiro-supply.ts";
import { loginState } from "../kiro/login-state.ts";
import { readPersonsAgent } from "../kiro/read-agent.ts";
import { whoami } from "../kiro/whoami.ts";
import { runProgram } from "../runtime/run-program.ts";
import type { Check } from "./check.ts";
import { findProgram } from "./find-program.ts";
import { tryTurn } from "./try-turn.ts";

export interface KiroQuestion {
  config: Config;
  env: NodeJS.ProcessEnv;
  person: PersonsKiro;
  /** Some chat is answered by Kiro. */
  isMeant: boolean;
  isHostRunning: boolean;
  /** Spend one prompt to see that an answer and our tools come. */
  trial: { prompt: string; interrupted: AbortSignal } | null;
}

/** Whether Kiro can answer: its program, its login, the agent's file, one turn. */
export async function checkKiro({
  config,
  env,
  person,
  isMeant,
  isHostRunning,
  trial,
}: KiroQuestion): Promise<Check[]> {
  if (!isMeant) return [offline];
  const program = await checkProgram(config, env);
  const login = await checkLogin(config, env, person);
  const checks = [program, login, checkAgentFile(config, person), ...switches(config)];
  if (trial === null || checks.some(({ state }) => state === "wrong")) return checks;
  // Two holders of one login would log each other out.
  if (isHostRunning && config.settings.KIRO_API_KEY === undefined) return [...checks, notTried];
  return [...checks, await tryTurn({ config, env, ...trial })];
}

const offline: Check = {
  name: "agent",
  state: "note",
  detail: "offline: built in, reminders only, no language model",
  cure: "for Kiro: set KIRO_API_KEY in .env, or run kiro-cli login; then restart",
};

const notTried: Check = {
  name: "kiro turn",
  state: "note",
  detail: "not tried: the running host uses the login",
  cure: 'npm run nanoclaw -- chat "hello", or stop the host and run doctor again',
};

/** What was opened on purpose. */
function switches({ settings }: Config): Check[] {
  const open: Check[] = [];
  if (settings.NANOCLAW_KIRO_SHARED_HOME) {
    const detail = "NANOCLAW_KIRO_SHARED_HOME: every group can read and change ~/.kiro, ~/.aws and your Kiro login";
    open.push({ name: "kiro home", state: "note", detail, cure: "remove it and set KIRO_API_KEY" });
  }
  if (settings.NANOCLAW_KIRO_AWS) {
    open.push({ name: "kiro aws", state: "note", detail: "NANOCLAW_KIRO_AWS: main can read ~/.aws" });
  }
  return open;
}

const probeSchema = z.looseObject({ version: z.string().nullable() });

async function checkProgram({ settings }: Config, env: NodeJS.ProcessEnv): Promise<Check> {
  const name = "kiro-cli";
  if (settings.NANOCLAW_AGENT_RUNTIME !== "host") {
    const probe = await askEngine(settings, env, systemClock)
      .kiroProbe(settings.NANOCLAW_AGENT_IMAGE)
      .catch(() => undefined);
    const version = probeSchema.safeParse(parsed(probe)).data?.version;
    if (version) return { name, state: "ok", detail: `${version}, in ${settings.NANOCLAW_AGENT_IMAGE}` };
    const detail = `the image ${settings.NANOCLAW_AGENT_IMAGE} has none that can be used, or the engine does not answer`;
    return { name, state: "wrong", detail, cure: buildCommand(settings) };
  }
  const path = findProgram(name, env);
  const install = "curl -fsSL https://cli.kiro.dev/install | bash";
  if (!path) return { name, state: "wrong", detail: "it is not installed", cure: install };
  const end = await run({ program: path, args: ["--version"], env: ownEnvironment(env), limitMs: 20_000 });
  if (end.kind === "ended" && end.code === 0) return { name, state: "ok", detail: `${end.stdout.trim()}, ${path}` };
  const detail = `${path} does not run: ${end.kind === "ended" ? end.stderr.trim().slice(0, 200) : end.kind}`;
  return { name, state: "wrong", detail, cure: install };
}

async function checkLogin(
  { settings }: Config,
  env: NodeJS.ProcessEnv,
  { files, places }: PersonsKiro,
): Promise<Check> {
  const name = "kiro login";
  if (settings.KIRO_API_KEY !== undefined) {
    return { name, state: "ok", detail: "KIRO_API_KEY is set; that the service takes it shows in a turn" };
  }
  const cure = "kiro-cli login (without a browser: kiro-cli login --use-device-flow), or KIRO_API_KEY in .env";
  const state = loginState(files.readLogin);
  if (state.kind === "unreadable") {
    return { name, state: "wrong", detail: `${places.database} cannot be read: ${state.problem}`, cure };
  }
  if (state.kind === "logged-out") return { name, state: "wrong", detail: `no login in ${places.database}`, cure };
  const program = findProgram("kiro-cli", env);
  if (!program) return { name, state: "ok", detail: `a login is in ${places.database}` };
  const said = await whoami({ run, program, env: ownEnvironment(env) });
  switch (said.kind) {
    case "logged-in":
      return { name, state: "ok", detail: said.detail };
    case "logged-out":
      return { name, state: "wrong", detail: "kiro-cli says: not logged in", cure };
    case "late":
      return { name, state: "wrong", detail: `kiro-cli whoami did not end within ${said.limitMs / 1000} s`, cure };
    case "missing":
      return { name, state: "note", detail: said.problem };
    case "failed":
      return { name, state: "wrong", detail: `kiro-cli whoami: ${said.detail}`, cure };
    default:
      return said satisfies never;
  }
}

function checkAgentFile({ settings }: Config, { places }: PersonsKiro): Check {
  const { agent, notes } = readPersonsAgent(places, settings.KIRO_AGENT_NAME);
  const which = agent.config === undefined ? `${agent.name}, a plain one of ours` : `${agent.name}, made from yours`;
  if (notes.length === 0) return { name: "kiro agent", state: "ok", detail: which };
  return {
    name: "kiro agent",
    state: "note",
    detail: `${which}; ${notes.join("; ")}`,
    cure: "correct the agent's file",
  };
}

const run: Parameters<typeof whoami>[0]["run"] = (command) => runProgram(systemClock, command);

const ownEnvironment = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined; // there is none
  }
}
