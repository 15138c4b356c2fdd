import type { Established } from "../channels/whatsapp/establish.ts";

const again = "Run the same command again";

/** Why there is no link that works, and what helps. */
export function reason(result: Exclude<Established, { kind: "linked" | "interrupted" }>): string {
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
export const numberOf = (account: string): string => /^\d+/.exec(account)?.[0] ?? account;
export const named = (account: string): string => `+${numberOf(account)}`;
