import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { containerProblem } from "../containers.ts";
import { HomeInUseError, startHost, type Host } from "../main.ts";
import type { Terminal } from "./terminal.ts";
import { runRepl } from "./repl.ts";
import { needsLinking, whatsAppOf } from "./whatsapp-host.ts";

export function addStart(program: Command, terminal: Terminal): void {
  program
    .command("start")
    .description("Run the host: local chat, schedule and agents, until Ctrl-C.")
    .action(() => start(terminal));
}

async function start(terminal: Terminal): Promise<void> {
  const config = terminal.config();
  await using host = await startWhenFree(config, terminal);
  if (!host) return;
  // A promise that nobody waits for, perhaps in a library, must not end what serves everybody.
  process.on("unhandledRejection", host.noteFault);
  terminal.stdout.write(banner(config, host));
  if (terminal.stdin.isTTY && terminal.stdout.isTTY) await runRepl(config, "main", terminal, { ownHost: true });
  else await untilAborted(terminal.interrupted);
  terminal.stdout.write("Stopping.\n");
}

const RETRY_MS = 1_000;

/** A second host waits for the first one's end instead of failing: a service manager would loop. */
async function startWhenFree(config: Config, terminal: Terminal): Promise<Host | undefined> {
  for (let told = false; !terminal.interrupted.aborted; told = true) {
    try {
      return await startHost({ config, clock: systemClock, env: terminal.env, what: "nanoclaw start" });
    } catch (error) {
      if (!(error instanceof HomeInUseError)) throw error;
      if (!told)
        terminal.stderr.write(`${error.message}\nWaiting until it is free. To talk to it: npm run nanoclaw -- chat\n`);
    }
    await systemClock.sleep(RETRY_MS, terminal.interrupted);
  }
  return undefined;
}

function banner(config: Config, host: Host): string {
  const { facts, home } = host;
  const agent =
    facts.agent === "offline"
      ? "offline: built in, no language model; it understands reminders (try: help)"
      : "kiro (npm run nanoclaw -- doctor tries it with one prompt)";
  return [
    `NanoClaw runs (process ${facts.pid}, time zone ${config.zone}).`,
    `  local chat  on: type here, or in another terminal: npm run nanoclaw -- chat`,
    `  agent       ${agent}`,
    `  turns run   ${whereTurnsRun(config, host)}`,
    `  WhatsApp    ${whatsAppWords(host)}`,
    `  state, logs ${home.root} (npm run nanoclaw -- logs -f)`,
    `Next: ${isUnlinked(host) ? linkNext : doctorNext}`,
    "",
  ].join("\n");
}

const doctorNext = "npm run nanoclaw -- doctor  checks this machine and says what each missing piece needs.";
const linkNext =
  "npm run auth  links this machine to WhatsApp (npm run nanoclaw -- doctor checks what else is missing).";

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
