import { join } from "node:path";
import { establish, type Established, type EstablishOptions } from "../channels/whatsapp/establish.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../domain/log.ts";
import { silentLog } from "../domain/log.ts";
import { homePaths } from "../home.ts";
import { openWhatsAppState, type Imported, type Link, type WhatsAppState } from "../store/whatsapp-state.ts";
import { createDisplay, type AuthDisplay } from "./auth-display.ts";
import { connectHost } from "./connection.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

export interface AuthFlags {
  /** Link by a code that is typed into the phone with this number. */
  number: string | undefined;
  force: boolean;
  json: boolean;
}

interface Base {
  config: Config;
  state: WhatsAppState;
  display: AuthDisplay;
  options: Omit<EstablishOptions, "existing">;
}

/** Makes sure that there is a link that works. */
export async function auth({ number, force, json }: AuthFlags, terminal: Terminal): Promise<void> {
  const config = terminal.config();
  const folder = join(homePaths(config.home).store, "auth");
  const opened = openWhatsAppState(folder, "nanoclaw auth");
  if ("heldBy" in opened) {
    const who = opened.heldBy ? `${opened.heldBy.what}, process ${opened.heldBy.pid}` : "it does not say who it is";
    throw new CommandError(`Another program works with the WhatsApp link of this home (${who}). End it first.`);
  }
  using state = opened.state;
  using display = createDisplay({ json, folder, terminal });
  tellImport(opened.imported, display);
  const options = {
    begin: state.begin,
    phone: number,
    url: config.settings.NANOCLAW_WHATSAPP_URL,
    clock: systemClock,
    log: debugLog(config, terminal),
    signal: terminal.interrupted,
    on: display.event,
  };
  const base: Base = { config, state, display, options };
  const link = state.current();
  if (link && !force && (await works(base, link))) return;
  await linkAnew(base);
}

/** A link that was once refused for good is dead; any other is tried. */
async function works({ config, state, display, options }: Base, link: Link): Promise<boolean> {
  const dead = `The phone has unlinked this machine (${named(link.account)}); linking it again.`;
  if (link.refused) {
    display.say("dead", dead);
    return false;
  }
  display.say("checking", `There is a link (${named(link.account)}); trying whether it works …`);
  const result = await establish({ ...options, existing: { store: state.link(link.id), creds: link.creds } });
  if (result.kind === "linked") {
    await tellLinked({ config, display }, "kept", `It works and is kept: linked as ${named(result.account)}.`, result);
    return true;
  }
  if (result.kind === "stopped" && result.reason === "logged-out") {
    // A link that never worked may have stood before one that does.
    const other = state.current();
    if (other && other.id !== link.id) return works({ config, state, display, options }, other);
    display.say("dead", dead);
    return false;
  }
  if (result.kind === "interrupted") throw new CommandError("Interrupted. The link is as it was.");
  throw new CommandError(`Whether the link works could not be found out; it is kept. ${reason(result)}`);
}

async function linkAnew({ config, state, display, options }: Base): Promise<void> {
  const before = state.current();
  const result = await establish(options);
  if (result.kind === "linked") {
    return tellLinked({ config, display }, "linked", `Linked as ${named(result.account)}.`, result);
  }
  const kept = before && !before.refused ? " The link that was there before is kept." : "";
  const what = result.kind === "interrupted" ? "Interrupted." : reason(result);
  throw new CommandError(`Not linked. ${what}${kept}`);
}

async function tellLinked(
  { config, display }: Pick<Base, "config" | "display">,
  type: "linked" | "kept",
  sentence: string,
  { account }: { account: string },
): Promise<void> {
  const host = await connectHost(config).catch(() => undefined);
  const lines = [
    sentence,
    ...(type === "kept" ? ["To link another account, or to link anew: npm run auth -- --force"] : []),
    "What comes next: this version keeps the link, but does not read or answer messages on WhatsApp yet.",
    `  The assistant answers in the local chat: npm run nanoclaw -- chat`,
    ...(host ? ["  The host that runs in this home can go on as it is: it does not use the link yet."] : []),
    "  To unlink: remove the device on the phone, and move store/auth away.",
  ];
  display.say(type, lines, { account, number: numberOf(account), hostRuns: host !== undefined });
}

function tellImport(imported: Imported | undefined, display: AuthDisplay): void {
  if (imported === undefined) return;
  if (imported.kind === "useless") {
    return display.say("import", `The files of an older link in store/auth are of no use: ${imported.reason}.`);
  }
  const { keys, damaged } = imported;
  const without =
    damaged.length === 0
      ? ""
      : ` ${damaged.length} were damaged and left out (first: ${damaged[0]}); a message or two may ask to be sent again.`;
  const line = `The older link in store/auth was taken over (${keys} keys); its files stay, and are not used any more.`;
  display.say("import", `${line}${without}`, { keys, damaged: damaged.length });
}

const again = "Run the same command again";

function reason(result: Exclude<Established, { kind: "linked" | "interrupted" }>): string {
  switch (result.kind) {
    case "unreachable":
      return `WhatsApp could not be reached (${result.detail}). Check the network. ${again} later.`;
    case "replaced":
      return "Another program uses this very link (a copy of store/auth, perhaps on another machine). End that one, or link this machine anew with --force.";
    case "stopped":
      return stopped[result.reason](result.detail);
    default:
      return result satisfies never;
  }
}

const stopped: Record<Extract<Established, { kind: "stopped" }>["reason"], (detail: string) => string> = {
  "logged-out": () => `The phone does not know this machine. ${again}.`,
  blocked: () => "WhatsApp has blocked this account for a while. The phone says for how long; wait until then.",
  outdated: () => "WhatsApp wants a newer client: update NanoClaw.",
  "no-linked-devices": () => "This account cannot have linked devices yet. Update WhatsApp on the phone and try there.",
  "codes-used-up": () => `The codes have expired, and none was used. ${again} when the phone is at hand.`,
  "number-refused": () =>
    "WhatsApp did not accept this number. Is it right, with its country code, and does it have WhatsApp?",
  broken: (detail) => `It went wrong here: ${detail}.`,
};

/** `4915200000001:3@s.whatsapp.net` */
const numberOf = (account: string): string => /^\d+/.exec(account)?.[0] ?? account;
const named = (account: string): string => `+${numberOf(account)}`;

/** The host alone writes the log files. */
function debugLog({ settings }: Config, { stderr }: Terminal): Log {
  if (settings.LOG_LEVEL !== "debug" && settings.LOG_LEVEL !== "trace") return silentLog;
  const line = (data: object, event: string) => void stderr.write(`${JSON.stringify({ ...data, event })}\n`);
  const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
  return log;
}
