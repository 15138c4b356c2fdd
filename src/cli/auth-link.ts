import { establish, type EstablishOptions } from "../channels/whatsapp/establish.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { silentLog, type Log } from "../domain/log.ts";
import { openWhatsAppState, type Imported, type Link, type WhatsAppState } from "../store/whatsapp-state.ts";
import { createDisplay, type Say } from "./auth-display.ts";
import { named, reason } from "./auth-words.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

export interface LinkOptions {
  config: Config;
  terminal: Terminal;
  say: Say;
  json: boolean;
  /** Where the link lies. */
  folder: string;
  /** Link by a code that is typed into the phone with this number. */
  number: string | undefined;
  force: boolean;
}

export interface Linked {
  type: "linked" | "kept";
  /** Own id with the device. */
  account: string;
}

interface Base {
  state: WhatsAppState;
  say: Say;
  options: Omit<EstablishOptions, "existing">;
}

/** A link that works, held by nobody any more. */
export async function linkHere({ config, terminal, say, json, folder, number, force }: LinkOptions): Promise<Linked> {
  const { state: opened, imported } = await openWhenFree(folder, terminal.interrupted);
  using state = opened;
  using display = createDisplay({ say, json, folder, terminal });
  tellImport(imported, say);
  const options = {
    begin: state.begin,
    phone: number,
    url: config.settings.NANOCLAW_WHATSAPP_URL,
    clock: systemClock,
    log: debugLog(config, terminal),
    signal: terminal.interrupted,
    on: display.event,
  };
  const base: Base = { state, say, options };
  const link = state.current();
  const kept = link && !force ? await tryLink(base, link) : undefined;
  return kept ?? (await linkAnew(base));
}

const PATIENCE_MS = 10_000;
const LOOK_MS = 100;

/** A host that was asked to let go, or `doctor`, has it for a moment; another `auth` for as long as a person needs. */
async function openWhenFree(folder: string, interrupted: AbortSignal) {
  for (const since = systemClock.monotonic(); ; await systemClock.sleep(LOOK_MS, interrupted)) {
    const opened = openWhatsAppState(folder, "nanoclaw auth");
    if ("state" in opened) return opened;
    const { heldBy } = opened;
    const isLate = systemClock.monotonic() - since > PATIENCE_MS || interrupted.aborted;
    if (!isLate && heldBy?.what !== "nanoclaw auth") continue;
    const who = heldBy ? `${heldBy.what}, process ${heldBy.pid}` : "it does not say who it is";
    throw new CommandError(`Another program works with the WhatsApp link of this home (${who}). End it first.`);
  }
}

/** A link that was once refused for good is dead; any other is tried. */
async function tryLink({ state, say, options }: Base, link: Link): Promise<Linked | undefined> {
  const dead = `The phone has unlinked this machine (${named(link.account)}); linking it again.`;
  if (link.refused) {
    say("dead", dead);
    return undefined;
  }
  say("checking", `There is a link (${named(link.account)}); trying whether it works …`);
  const result = await establish({ ...options, existing: { store: state.link(link.id), creds: link.creds } });
  if (result.kind === "linked") return { type: "kept", account: result.account };
  if (result.kind === "stopped" && result.reason === "logged-out") {
    // A link that never worked may have stood before one that does.
    const other = state.current();
    if (other && other.id !== link.id) return tryLink({ state, say, options }, other);
    say("dead", dead);
    return undefined;
  }
  if (result.kind === "interrupted") throw new CommandError("Interrupted. The link is as it was.");
  throw new CommandError(`Whether the link works could not be found out; it is kept. ${reason(result)}`);
}

async function linkAnew({ state, options }: Base): Promise<Linked> {
  const before = state.current();
  const result = await establish(options);
  if (result.kind === "linked") return { type: "linked", account: result.account };
  const kept = before && !before.refused ? " The link that was there before is kept." : "";
  const what = result.kind === "interrupted" ? "Interrupted." : reason(result);
  throw new CommandError(`Not linked. ${what}${kept}`);
}

function tellImport(imported: Imported | undefined, say: Say): void {
  if (imported === undefined) return;
  if (imported.kind === "useless") {
    return say("import", `The files of an older link in store/auth are of no use: ${imported.reason}.`);
  }
  const { keys, damaged } = imported;
  const without =
    damaged.length === 0
      ? ""
      : ` ${damaged.length} were damaged and left out (first: ${damaged[0]}); a message or two may ask to be sent again.`;
  const line = `The older link in store/auth was taken over (${keys} keys); its files stay, and are not used any more.`;
  say("import", `${line}${without}`, { keys, damaged: damaged.length });
}

/** The host alone writes the log files. */
function debugLog({ settings }: Config, { stderr }: Terminal): Log {
  if (settings.LOG_LEVEL !== "debug" && settings.LOG_LEVEL !== "trace") return silentLog;
  const line = (data: object, event: string) => void stderr.write(`${JSON.stringify({ ...data, event })}\n`);
  const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
  return log;
}
