import { systemClock } from "../clock.ts";
import type { Say } from "./auth-display.ts";
import type { ChannelState } from "../main.ts";
import type { WhatsAppHost } from "./whatsapp-host.ts";

const PATIENCE_MS = 30_000;
const LOOK_MS = 250;

/** Until the host is connected by the link that it was given back; for so long only as a person waits. */
export async function waitForHost(host: WhatsAppHost, say: Say, interrupted: AbortSignal): Promise<void> {
  const since = systemClock.monotonic();
  let channel: ChannelState | undefined;
  while (!interrupted.aborted && systemClock.monotonic() - since < PATIENCE_MS) {
    try {
      channel = await host.whatsApp();
    } catch {
      return say("host", "The host has ended meanwhile; the link is there for the next: npm start", {
        connected: false,
      });
    }
    if (channel?.connected) return say("host", "The running host is connected.", { connected: true });
    await systemClock.sleep(LOOK_MS, interrupted);
  }
  const detail = channel ? ` (${channel.detail})` : "";
  const look = "npm run nanoclaw -- status  shows when it is.";
  say("host", `The running host is not connected yet${detail}. ${look}`, { connected: false });
}
