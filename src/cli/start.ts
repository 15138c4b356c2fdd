import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { containerProblem } from "../containers.ts";
import { HomeInUseError, startHost, type Host } from "../main.ts";
import type { Terminal } from "./terminal.ts";
import { runRepl } from "./repl.ts";
import { runAsService } from "./start-service.ts";
import { needsLinking, whatsAppOf } from "./whatsapp-host.ts";

export function addStart(program: Command, terminal: Terminal): void {
  program
    .command("start")
    .description("Run the host: local chat, schedule and agents, until Ctrl-C.")
    .option("--service", "as launchd and systemd run it: what cannot run yet waits instead of ending")
    .action((options: { service?: true }) => (options.service ? startService(terminal) : startByHand(terminal)));
}

async function startByHand(terminal: Terminal): Promise<void> {
  const isChat = terminal.stdin.isTTY && terminal.stdout.isTTY;
  await serve(terminal.config(), terminal, {
    what: "nanoclaw start",
    talk: "type here, or in another terminal: npm run nanoclaw -- chat",
    meanwhile: (config) =>
      isChat ? runRepl(config, "main", terminal, { ownHost: true }) : untilAborted(terminal.interrupted),
  });
}

async function startService(terminal: Terminal): Promise<void> {
  const ended = await runAsService({
    ...terminal,
    clock: systemClock,
    serve: (config) =>
      serve(config, terminal, {
        what: "the service",
        talk: "npm run nanoclaw -- chat",
        meanwhile: () => untilAborted(terminal.interrupted),
      }),
  });
  if (ended === "failed") process.exitCode = 1;
}

interface Serving {
  /** Who holds the home's lock, in words. */
  what: string;
  /** How to talk to it. */
  talk: string;
  meanwhile(config: Config): Promise<void>;
}

async function serve(config: Config, terminal: Terminal, { what, talk, meanwhile }: Serving): Promise<void> {
  await using host = await startWhenFree(config, terminal, what);
  if (!host) return;
  // A promise that nobody waits for, perhaps in a library, must not end what serves everybody.
  process.on("unhandledRejection", host.noteFault);
  terminal.stdout.write(banner(config, host, talk));
  await meanwhile(config);
  terminal.stdout.write("Stopping.\n");
}

const RETRY_MS = 1_000;

/** A second host waits for the first one's end instead of failing: a service manager would loop. */
async function startWhenFree(config: Config, terminal: Terminal, what: string): Promise<Host | undefined> {
  for (let told = false; !terminal.interrupted.aborted; told = true) {
    try {
      return await startHost({ config, clock: systemClock, env: terminal.env, what });
    } catch (error) {
      if (!(error instanceof HomeInUseError)) throw error;
      if (!told)
        terminal.stderr.write(`${error.message}\nWaiting until it is free. To talk to it: npm run nanoclaw -- chat\n`);
    }
    await systemClock.sleep(RETRY_MS, terminal.interrupted);
  }
  return undefined;
}

function banner(config: Config, host: Host, talk: string): string {
  const { facts, home } = host;
  const agent =
    facts.agent === "offline"
      ? "offline: built in, no language model; it understands reminders (try: help)"
      : "kiro (npm run nanoclaw -- doctor tries it with one prompt)";
  return [
    `NanoClaw runs (process ${facts.pid}, time zone ${config.zone}).`,
    `  local chat  on: ${talk}`,
    `  agent       ${agent}`,
    `  turns run   ${whereTurnsRun(config, host)}`,
    `  WhatsApp    ${whatsAppWords(host)}`,
    `  state, logs ${home.root} (npm run nanoclaw -- logs -f)`,
    `Next: ${isUnlinked(host) ? setupNext : doctorNext}`,
    "",
  ].join("\n");
}

const doctorNext = "npm run nanoclaw -- doctor  checks this machine and says what each missing piece needs.";
const setupNext = "npm run nanoclaw -- setup  leads to WhatsApp, Kiro, containers and a service, step by step.";

/** As it is at this moment: a start waits for no connection. */
function whatsAppWords(host: Host): string {
  const channel = whatsAppOf(host.channels());
  if (!channel) return "off (NANOCLAW_WHATSAPP=off)";
  return channel.connected ? `connected ${channel.detail}` : channel.detail;
}

function isUnlinked(host: Host): boolean {
  const channel = whatsAppOf(host.channels());
  return channel !== undefined && needsLinking(channel);
}

/** Where, and what keeps them from running in containers of these sources. */
function whereTurnsRun({ settings }: Config, { facts, containers }: Host): string {
  const problem = containers && containerProblem(containers, settings);
  const why = problem ? `: ${problem.detail}\n              for containers: ${problem.cure}` : "";
  if (facts.runtime === "host") return `as plain processes on this machine, without isolation${why}`;
  if (!problem) return `in containers, ${settings.NANOCLAW_AGENT_ONE_SHOT ? "each turn in its own" : "one a group"}`;
  const effect = containers?.kind === "other-source" ? "" : "; messages wait";
  return `in containers${effect}: ${problem.detail}\n              ${problem.cure}`;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    // Nothing else may keep the process alive in every configuration.
    const anchor = setInterval(() => {}, 2 ** 30);
    signal.addEventListener("abort", () => clearInterval(anchor), { once: true });
  });
}
