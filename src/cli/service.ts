import { Option, type Command } from "commander";
import { ConfigError, loadConfig, type Settings } from "../config.ts";
import type { Platform, Service } from "../service/service.ts";
import { json } from "./display.ts";
import { openService, platformHere } from "./open-service.ts";
import { findHost, lastErrors, lookAtService, untilServing } from "./service-look.ts";
import type { Terminal } from "./terminal.ts";

export function addService(program: Command, terminal: Terminal): void {
  const service = program
    .command("service")
    .description("NanoClaw as a service of this user: it starts at login, and again whenever it ended.");
  const platforms = new Option("--platform <name>", "whose file; default: this machine's").choices(["macos", "linux"]);
  service
    .command("install")
    .description("Write the service file and start the service; again after an update or a move of the folder.")
    .addOption(platforms)
    .option("--dry-run", "print the file and change nothing")
    .action(({ platform, dryRun }: { platform?: Platform; dryRun?: true }) =>
      dryRun
        ? void terminal.stdout.write(openService(terminal, platform ?? platformHere()).file.text)
        : install(terminal, platform),
    );
  const orders = {
    uninstall: "Stop the service and remove its file; everything else stays.",
    start: "Start the installed service.",
    stop: "Stop it, until it is started or the user logs in again; running turns may finish first.",
    restart: "Stop and start it: settings are read again.",
  } as const;
  for (const [order, description] of Object.entries(orders) as [keyof typeof orders, string][]) {
    service
      .command(order)
      .description(description)
      .action(() => carryOut(terminal, openService(terminal), order));
  }
  service
    .command("status")
    .description("Whether it is installed, runs and answers; what is wrong, and what cures it.")
    .option("--json", "as JSON")
    .action(async (options: { json?: true }) => {
      const { facts, text } = await lookAtService(openService(terminal), terminal.homePath());
      terminal.stdout.write(options.json ? json(facts) : `${text}\n`);
    });
}

async function install(terminal: Terminal, platform: Platform | undefined): Promise<void> {
  const { settings } = terminal.config();
  const service = openService(terminal, platform);
  await carryOut(terminal, service, "install");
  const unseen = onlyInThisShell(settings, terminal).filter((name) => !service.file.text.includes(name));
  if (unseen.length === 0) return;
  const where = `${terminal.homePath()}/.env`;
  terminal.stdout.write(
    `Set in this shell alone, so the service does not know it: ${unseen.join(", ")}. Put it into ${where}\n`,
  );
}

async function carryOut(
  terminal: Terminal,
  service: Service,
  order: "install" | "uninstall" | "start" | "stop" | "restart",
): Promise<void> {
  const home = terminal.homePath();
  const errors = lastErrors(home);
  const before = await findHost(home);
  const isOurs = before !== undefined && (await service.status()).pid === before.pid;
  for (const line of await service[order]()) terminal.stdout.write(`${line}\n`);
  if (order === "uninstall" || order === "stop") return;
  if (before && !isOurs) return void terminal.stdout.write(`${waiting(before.pid)}\n`);
  terminal.stdout.write(`${await untilServing(home, errors, terminal.interrupted)}\n`);
}

const waiting = (pid: number): string =>
  `Another host works in this home (process ${pid}), started by hand: the service waits until that one ends (Ctrl-C where it runs, or: kill ${pid}).`;

/** What a start by hand in this shell would see, and the service will not. */
function onlyInThisShell(settings: Settings, terminal: Terminal): string[] {
  const home = terminal.homePath();
  try {
    const alone = loadConfig({ env: { NANOCLAW_HOME: home }, defaultHome: home }).settings;
    const names = new Set([...Object.keys(settings), ...Object.keys(alone)]) as Set<keyof Settings>;
    return [...names].filter((name) => JSON.stringify(settings[name]) !== JSON.stringify(alone[name]));
  } catch (error) {
    if (error instanceof ConfigError) return []; // said already
    throw error;
  }
}
