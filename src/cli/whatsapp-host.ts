import type { Config } from "../config.ts";
import type { ChannelState } from "../main.ts";
import { ask, connectHost, type Connection } from "./connection.ts";

/** The running host, as far as WhatsApp is concerned. */
export interface WhatsAppHost {
  connection: Connection;
  /** Undefined: it runs with WhatsApp switched off. */
  whatsApp(): Promise<ChannelState | undefined>;
  /** It lets go of the link for some seconds, and takes it up again by itself. */
  release(): Promise<void>;
}

/** Undefined: none runs in this home. */
export async function findWhatsAppHost(config: Config): Promise<WhatsAppHost | undefined> {
  const connection = await connectHost(config);
  if (!connection) return undefined;
  return {
    connection,
    whatsApp: async () => {
      const { channels } = await ask<{ channels: ChannelState[] }>(connection, "GET", "/control/status");
      return whatsAppOf(channels);
    },
    release: async () => void (await ask(connection, "POST", "/control/whatsapp/release")),
  };
}

export const whatsAppOf = (channels: readonly ChannelState[]): ChannelState | undefined =>
  channels.find(({ name }) => name === "whatsapp");

/** Digits of `as +4915200000001`. */
export const numberIn = (detail: string): string | undefined => /\+(\d+)/.exec(detail)?.[1];

/** Nothing but `npm run auth` helps. */
export const needsLinking = ({ connected, detail }: ChannelState): boolean =>
  !connected && detail.includes("npm run auth");
