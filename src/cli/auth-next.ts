import type { Settings } from "../config.ts";

export interface NextFacts {
  settings: Settings;
  hostRuns: boolean;
  /** The running host has WhatsApp switched on. */
  isServed: boolean;
}

/** What a person who has just linked does next. */
export function whatComesNext({ settings, hostRuns, isServed }: NextFacts): string[] {
  return [...steps({ settings, hostRuns, isServed }), unlink];
}

const unlink = "To unlink: remove the device on the phone, and move store/auth away.";

function steps({ settings, hostRuns, isServed }: NextFacts): string[] {
  const talk = settings.ASSISTANT_HAS_OWN_NUMBER ? talkToIt : talkToYourself;
  if (isServed) return ["What comes next: the running host takes the link by itself.", `  ${talk}`];
  const off = "NANOCLAW_WHATSAPP=off: take that setting away";
  if (hostRuns) return [`What comes next: the running host was started with ${off}, and start it again.`, `  ${talk}`];
  const start = settings.NANOCLAW_WHATSAPP === "off" ? `here is ${off}; then npm start` : "npm start";
  return [`What comes next: ${start}`, `  ${talk}`];
}

const talkToYourself =
  "Then write to yourself on WhatsApp (the chat with your own number): that is the assistant's main chat.";
const talkToIt = "Then the owner, once proved, writes to this number on WhatsApp: that is the assistant's main chat.";
