import type { Config } from "../config.ts";
import { assertUsable, homePaths } from "../home.ts";
import { createSay, type Say } from "./auth-display.ts";
import { linkHere, type Linked } from "./auth-link.ts";
import { whatComesNext } from "./auth-next.ts";
import { assertOwnerFlag, proveOwner } from "./auth-owner.ts";
import { named, numberOf } from "./auth-words.ts";
import { waitForHost } from "./auth-host.ts";
import type { Terminal } from "./terminal.ts";
import type { ChannelState } from "../main.ts";
import { findWhatsAppHost, numberIn, type WhatsAppHost } from "./whatsapp-host.ts";

export interface AuthFlags {
  /** Link by a code that is typed into the phone with this number. */
  number: string | undefined;
  /** Whose assistant it is, on an account of its own. */
  owner: string | undefined;
  force: boolean;
  json: boolean;
}

/** Makes sure that there is a link that works, and that it is known who the owner is. */
export async function auth(flags: AuthFlags, terminal: Terminal): Promise<void> {
  const config = terminal.config();
  assertUsable(homePaths(config.home));
  assertOwnerFlag(flags.owner, config);
  const say = createSay(flags.json, terminal);
  const host = await findWhatsAppHost(config);
  const channel = await host?.whatsApp();
  const number =
    channel?.connected && !flags.force
      ? tellConnected(channel, say)
      : await linkBesideHost({ config, terminal, say, host, channel, flags });
  await proveOwner({ config, terminal, say, number, owner: flags.owner, isProgram: flags.json });
}

/** To look whether it works, a second connection would throw the host's out. */
function tellConnected({ detail }: ChannelState, say: Say): string | undefined {
  const number = numberIn(detail);
  const lines = [`It works and is kept: the running host is connected ${detail}.`, anew];
  say("kept", lines, { number, hostRuns: true });
  return number;
}

interface Linking {
  config: Config;
  terminal: Terminal;
  say: Say;
  host: WhatsAppHost | undefined;
  /** Undefined as well when the host has WhatsApp switched off. */
  channel: ChannelState | undefined;
  flags: AuthFlags;
}

async function linkBesideHost({ config, terminal, say, host, channel, flags }: Linking): Promise<string> {
  if (host && channel) await host.release();
  const linked = await linkHere({ ...flags, config, terminal, say, folder: homePaths(config.home).auth });
  const number = numberOf(linked.account);
  const next = whatComesNext({
    settings: config.settings,
    hostRuns: host !== undefined,
    isServed: channel !== undefined,
  });
  const lines = [sentence(linked), ...(linked.type === "kept" ? [anew] : []), ...next];
  say(linked.type, lines, { account: linked.account, number, hostRuns: host !== undefined });
  if (host && channel) await waitForHost(host, say, terminal.interrupted);
  return number;
}

const anew = "To link another account, or to link anew: npm run auth -- --force";

const sentence = ({ type, account }: Linked): string =>
  type === "kept" ? `It works and is kept: linked as ${named(account)}.` : `Linked as ${named(account)}.`;
