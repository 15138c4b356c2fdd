import type { Command } from "commander";
import type { GroupView } from "../control/groups.ts";
import { ask } from "./connection.ts";
import { columns, json, safeForTerminal } from "./display.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";
import { findWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";

/** A WhatsApp group that the linked account is in. */
export interface NetworkGroup {
  jid: string;
  name: string;
  /** The group of ours that it belongs to. */
  folder: string | null;
  /** Registered for another account, and not confirmed for this one. */
  held: boolean;
}

/** `groups sync`: what there is to be registered. */
export function addSync(groups: Command, terminal: Terminal): void {
  groups
    .command("sync")
    .description("The WhatsApp groups that the linked account is in, with their ids; asks the running host.")
    .option("--json", "as JSON")
    .action(async (options: { json?: true }) => {
      const list = await listGroups(await connectedHost(terminal));
      terminal.stdout.write(options.json ? json(list) : describe(list));
    });
}

/** A second connection by the same link would throw the host's out, so only the host is asked. */
async function connectedHost(terminal: Terminal): Promise<WhatsAppHost> {
  const host = await findWhatsAppHost(terminal.config());
  if (!host)
    throw new CommandError("No host runs in this home, and only a running one can ask WhatsApp. Start it: npm start");
  const channel = await host.whatsApp();
  if (!channel) throw new CommandError("The running host has WhatsApp switched off (NANOCLAW_WHATSAPP=off).");
  if (!channel.connected) throw new CommandError(`WhatsApp is not connected: ${safeForTerminal(channel.detail)}.`);
  return host;
}

export async function listGroups({ connection }: Pick<WhatsAppHost, "connection">): Promise<NetworkGroup[]> {
  const known = await ask<{ jid: string; subject: string }[]>(connection, "GET", "/control/whatsapp/groups");
  const registered = (await ask<GroupView[]>(connection, "GET", "/control/groups")).flatMap(({ chats }) => chats);
  const list = known.map(({ jid, subject }) => {
    const chat = registered.find((one) => one.jid === jid);
    return { jid, name: subject, folder: chat?.folder ?? null, held: chat?.held ?? false };
  });
  return list.sort((a, b) => a.name.localeCompare(b.name) || a.jid.localeCompare(b.jid));
}

function describe(list: readonly NetworkGroup[]): string {
  if (list.length === 0) return "The linked account is in no group, or the host has not heard of one yet.\n";
  const rows = list.map((group, index) => [`${index + 1}`, shown(group.name), group.jid, use(group)]);
  const isNew = list.some(({ folder }) => folder === null);
  const register = "npm run nanoclaw -- groups add --jid <id> --name <name> --folder <folder>";
  return `${columns(rows)}\n${isNew ? `To register one: ${register}\n` : ""}`;
}

const use = ({ folder, held }: NetworkGroup): string =>
  folder === null ? "-" : `registered: ${folder}${held ? " (for another account: groups confirm)" : ""}`;

const LONGEST = 60;

/** Anybody in a group may name it: one line, no longer than a table bears, and nothing that turns the rest round. */
export function shown(name: string): string {
  const plain = safeForTerminal(name)
    .replace(/[\p{Bidi_Control}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  const letters = [...plain.slice(0, 2 * LONGEST)];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : plain;
}
