import type { Command } from "commander";
import { accessSync, constants, statfsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type Config } from "../config.ts";
import type { GroupView } from "../control/groups.ts";
import { homePaths } from "../home.ts";
import type { Check } from "./check.ts";
import { ask, connect } from "./connection.ts";
import { columns, json } from "./display.ts";
import { checkContainers, type HostStatus } from "./doctor-containers.ts";
import { checkKiro } from "./doctor-kiro.ts";
import { checkMounts } from "./doctor-mounts.ts";
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
    .option("--json", "as JSON")
    .action(async (options: DoctorFlags) => {
      const checks = await examine(terminal, options.quick ? null : options.prompt);
      terminal.stdout.write(options.json ? json(checks) : `${report(checks)}\n`);
      const wrong = checks.filter(({ state }) => state === "wrong").length;
      if (wrong > 0) throw new CommandError(`${wrong} of ${checks.length} checks found something wrong.`);
    });
}

interface DoctorFlags {
  quick?: true;
  prompt: string;
  json?: true;
}

async function examine(terminal: Terminal, prompt: string | null): Promise<Check[]> {
  const node: Check = { name: "node", state: "ok", detail: process.version };
  try {
    const config = terminal.config();
    const settings: Check = { name: "settings", state: "ok", detail: `environment and ${join(config.home, ".env")}` };
    const { checks: host, status, groups, ...facts } = await checkHost(config);
    return [
      node,
      settings,
      checkHome(config),
      checkDisk(config),
      ...host,
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
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const cure = "correct the settings named above, in the environment or in .env";
    return [node, { name: "settings", state: "wrong", detail: error.message, cure }];
  }
}

/** Where turns run, and whether their agent can answer. */
async function checkTurns(
  { env, interrupted }: Terminal,
  config: Config,
  status: HostStatus | undefined,
  person: PersonsKiro,
  prompt: string | null,
): Promise<Check[]> {
  const isMeant = isKiroMeant(config, person, status);
  const trial = prompt === null ? null : { prompt, interrupted };
  return [
    ...(await checkContainers(config, env, status, isMeant)),
    ...(await checkKiro({ config, env, person, isMeant, isHostRunning: status?.running === true, trial })),
  ];
}

/** A running host knows; without one it is what the settings say. */
const runtimeOf = ({ settings }: Config, status: HostStatus | undefined): "docker" | "host" =>
  (status?.running ? status.runtime : settings.NANOCLAW_AGENT_RUNTIME) === "host" ? "host" : "docker";

function checkHome({ home }: Config): Check {
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name: "home", state: "ok", detail: home };
  } catch (error) {
    const detail = `${home} cannot be written: ${(error as Error).message}`;
    return {
      name: "home",
      state: "wrong",
      detail,
      cure: `chown -R "$USER" '${home}', or set NANOCLAW_HOME to a folder of yours`,
    };
  }
}

function checkDisk({ home, settings }: Config): Check {
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  const detail = `${gib(free)} GiB free, ${gib(settings.NANOCLAW_FREE_DISK)} needed`;
  if (free >= settings.NANOCLAW_FREE_DISK) return { name: "disk", state: "ok", detail };
  return {
    name: "disk",
    state: "wrong",
    detail,
    cure: "make room on that disk (du -xh --max-depth=2 | sort -h shows what takes it)",
  };
}

interface HostFacts {
  checks: Check[];
  status: HostStatus | undefined;
  provedOwner: string | null;
  /** Chats that were registered for another account. */
  heldChats: string[];
  groups: GroupView[];
}

/** Opening the store checks it; a running host has done so at its start. */
async function checkHost(config: Config): Promise<HostFacts> {
  const { database } = homePaths(config.home);
  try {
    using connection = await connect(config);
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
    const store: Check = { name: "database", state: "wrong", detail, cure: "as the message says" };
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

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
