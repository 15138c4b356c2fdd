import type { Command } from "commander";
import { join } from "node:path";
import { ConfigError, type Config } from "../config.ts";
import type { GroupView } from "../control/groups.ts";
import { homePaths } from "../home.ts";
import type { Check } from "./check.ts";
import { ask, connect, HostSilentError } from "./connection.ts";
import { columns, json } from "./display.ts";
import { checkContainers, type HostStatus } from "./doctor-containers.ts";
import { fixAll } from "./doctor-fix.ts";
import { checkHome } from "./doctor-home.ts";
import { checkKiro } from "./doctor-kiro.ts";
import { checkMounts } from "./doctor-mounts.ts";
import { checkRetention } from "./doctor-retention.ts";
import { checkService } from "./doctor-service.ts";
import { checkWhatsApp } from "./doctor-whatsapp.ts";
import { CommandError } from "./outcome.ts";
import type { PersonsKiro } from "../kiro-supply.ts";
import { isKiroMeant, withPersonsKiro } from "./persons-kiro.ts";
import type { Terminal } from "./terminal.ts";
import { TRIAL_PROMPT } from "./try-turn.ts";

export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command("doctor")
    .description("Check this machine and this home; every line says ok, or what is wrong and what cures it.")
    .option("--quick", "send no prompt to the agent (one costs what a short answer costs)")
    .option("--prompt <text>", "the prompt to try, instead of one that asks for a call of our tools", TRIAL_PROMPT)
    .option("--fix", "put right what needs no decision of yours, then check again")
    .option("--json", "as JSON")
    .action((options: DoctorFlags) => doctor(terminal, options));
}

interface DoctorFlags {
  quick?: true;
  prompt: string;
  fix?: true;
  json?: true;
}

async function doctor(terminal: Terminal, { quick, prompt, fix, json: asJson }: DoctorFlags): Promise<void> {
  if (fix) {
    const say = (line: string) => void (asJson ? terminal.stderr : terminal.stdout).write(`${line}\n`);
    await fixAll(await examine(terminal, null), say, terminal.interrupted);
  }
  const checks = await examine(terminal, quick ? null : prompt);
  terminal.stdout.write(asJson ? json(checks.map(forPrograms)) : `${report(checks)}\n`);
  const wrong = checks.filter(({ state }) => state === "wrong").length;
  if (wrong === 0) return;
  const fixable = checks.some((check) => check.fix) && !fix ? " What needs no decision of yours: doctor --fix" : "";
  throw new CommandError(`${wrong} of ${checks.length} checks found something wrong.${fixable}`);
}

const forPrograms = ({ fix, ...check }: Check) => ({ ...check, ...(fix && { fix: fix.what }) });

async function examine(terminal: Terminal, prompt: string | null): Promise<Check[]> {
  const node: Check = { name: "node", state: "ok", detail: process.version };
  try {
    const config = terminal.config();
    const settings: Check = { name: "settings", state: "ok", detail: `environment and ${join(config.home, ".env")}` };
    const { checks: host, status, groups, ...facts } = await checkHost(config);
    return [
      node,
      settings,
      ...host,
      ...checkHome(config),
      ...(await checkService(terminal, status?.running === true)),
      ...(await withPersonsKiro(terminal.env, async (person) => [
        ...(await checkTurns(terminal, config, status, person, prompt)),
        ...checkMounts({
          config,
          groups,
          env: terminal.env,
          places: person.places,
          runtime: runtimeOf(config, status),
        }),
      ])),
      ...checkWhatsApp({ config, status, ...facts }),
      ...(await checkRetention(config, status?.retention)),
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const cure = "correct the settings named above, in the environment or in .env";
    return [node, { name: "settings", state: "wrong", detail: error.message, cure }];
  }
}

/** Where turns run, and whether their agent can answer. */
async function checkTurns(
  { env, interrupted, stderr }: Terminal,
  here: Config,
  status: HostStatus | undefined,
  person: PersonsKiro,
  prompt: string | null,
): Promise<Check[]> {
  const config = asHostSees(here, status);
  const isMeant = isKiroMeant(config, person, status);
  const trial = prompt === null ? null : { prompt, interrupted };
  return [
    ...(await checkContainers({ config, env, interrupted, stderr }, status, isMeant)),
    ...checkSameRuntime(here, config),
    ...(await checkKiro({ config, env, person, isMeant, isHostRunning: status?.running === true, trial })),
  ];
}

/** The service's file may set where turns run, and stands above what this shell and `.env` say. */
function asHostSees(here: Config, status: HostStatus | undefined): Config {
  if (!status?.running || status.configuredRuntime === undefined) return here;
  return { ...here, settings: { ...here.settings, NANOCLAW_AGENT_RUNTIME: status.configuredRuntime ?? undefined } };
}

function checkSameRuntime({ settings: here }: Config, { settings: host }: Config): Check[] {
  if (here.NANOCLAW_AGENT_RUNTIME === host.NANOCLAW_AGENT_RUNTIME) return [];
  const [its, ours] = [host, here].map((one) => one.NANOCLAW_AGENT_RUNTIME ?? "unset");
  const detail = `NANOCLAW_AGENT_RUNTIME is ${its} for the running host, and ${ours} here`;
  const cure = "restart the host if .env was changed since it started; what the service file sets stands above .env";
  return [{ name: "runtime setting", state: "note", detail, cure }];
}

/** A running host knows; without one it is what the settings say. */
const runtimeOf = ({ settings }: Config, status: HostStatus | undefined): "docker" | "host" =>
  (status?.running ? status.runtime : settings.NANOCLAW_AGENT_RUNTIME) === "host" ? "host" : "docker";

interface HostFacts {
  checks: Check[];
  status: HostStatus | undefined;
  provedOwner: string | null;
  /** Chats that were registered for another account. */
  heldChats: string[];
  groups: GroupView[];
}

/** A host that says nothing for so long is what is wrong. */
const PATIENCE_MS = 10_000;

/** Opening the store checks it; a running host has done so at its start. */
async function checkHost(config: Config): Promise<HostFacts> {
  const { database } = homePaths(config.home);
  try {
    using connection = await connect(config, PATIENCE_MS);
    const status = await ask<HostStatus>(connection, "GET", "/control/status");
    const { proved } = await ask<{ proved: string | null }>(connection, "GET", "/control/owner");
    const groups = await ask<GroupView[]>(connection, "GET", "/control/groups");
    const held = groups.flatMap(({ chats }) => chats.filter((chat) => chat.held));
    const store: Check = { name: "database", state: "ok", detail: database };
    const host: Check = status.running
      ? { name: "host", state: "ok", detail: `runs (process ${status.pid})` }
      : {
          name: "host",
          state: "note",
          detail: "does not run; nobody answers and no reminder fires",
          cure: "npm start",
        };
    return { checks: [store, host], status, provedOwner: proved, heldChats: held.map(({ jid }) => jid), groups };
  } catch (error) {
    const detail = (error as Error).message;
    const name = error instanceof HostSilentError ? "host" : "database";
    const store: Check = { name, state: "wrong", detail, cure: "as the message says" };
    return { checks: [store], status: undefined, provedOwner: null, heldChats: [], groups: [] };
  }
}

const MARKS = { ok: "ok", note: "note", wrong: "WRONG" } as const;

const report = (checks: Check[]): string =>
  columns(
    checks.map(({ state, name, detail, cure }) => [
      MARKS[state],
      name,
      cure === undefined ? detail : `${detail}\n         -> ${cure}`,
    ]),
  );
