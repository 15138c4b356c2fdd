import { ask, type Connection } from "../cli/connection.ts";
import { CommandError } from "../cli/outcome.ts";
import { numberIn, whatsAppOf } from "../cli/whatsapp-host.ts";
import { systemClock } from "../clock.ts";
import type { Setup } from "./step.ts";
import { Cancelled } from "./ui.ts";

const PATIENCE_MS = 60_000;
const LOOK_MS = 250;

type Channels = Parameters<typeof whatsAppOf>[0];

/**
 * Waits until the host, or one that is started for the moment, is connected to WhatsApp.
 * @returns the account's digits.
 * @throws {CommandError} when it is not.
 */
export async function connectedAs({ passing, ui, terminal: { interrupted } }: Setup): Promise<string> {
  const connection = await passing.connection();
  const since = systemClock.monotonic();
  let detail = "";
  while (systemClock.monotonic() - since < PATIENCE_MS) {
    if (interrupted.aborted) throw new Cancelled();
    const channel = await channelOf(connection);
    if (!channel) throw new CommandError("the running host has WhatsApp switched off (NANOCLAW_WHATSAPP=off)");
    ui.progress(channel.connected ? null : `WhatsApp: ${channel.detail}`.slice(0, 100));
    if (channel.connected) return numberIn(channel.detail) ?? "";
    // Neither is cured by waiting.
    if (channel.detail.includes("npm run auth")) break;
    detail = channel.detail;
    await systemClock.sleep(LOOK_MS, interrupted);
  }
  throw new CommandError(`WhatsApp is not connected: ${detail}`);
}

const channelOf = async (connection: Connection) =>
  whatsAppOf((await ask<{ channels: Channels }>(connection, "GET", "/control/status")).channels);
