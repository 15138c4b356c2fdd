import type { StatusFacts } from "./status-facts.ts";
import { needsLinking } from "./whatsapp-host.ts";

/** Something that does not cure itself. */
export interface Need {
  what: string;
  /** A command, or what to do. */
  cure: string;
}

export interface Status extends StatusFacts {
  needs: Need[];
}

/** Sends are repeated for ten minutes; what waits for longer, waits for something else. */
const LONG_UNSENT_MS = 15 * 60_000;

/** What only the owner can put right, and how. Nothing of that passes by itself. */
export function needsOf(status: StatusFacts): Need[] {
  const { running, channels, heldChats, waitingTurns, service, versions, installed, retention } = status;
  return [
    ...(running ? [] : [{ what: "The host does not run", cure: startOf(service.kind) }]),
    ...channels.filter(isLost).map(({ name, detail }) => ({ what: `${name}: ${detail}`, cure: linkCure(detail) })),
    ...(heldChats.length === 0
      ? []
      : [{ what: `Chats of another account: ${heldChats.length}`, cure: "npm run nanoclaw -- groups confirm" }]),
    ...[...new Set(waitingTurns.map(({ failureClass }) => failureClass))].flatMap((cause) => waits(cause)),
    ...unsentFor(status),
    ...(service.stale
      ? [{ what: `The service: ${service.detail}`, cure: service.cure ?? "npm run nanoclaw -- service install" }]
      : []),
    ...(running && versions.nanoclaw !== installed.nanoclaw
      ? [
          {
            what: `The host runs version ${versions.nanoclaw}, installed is ${installed.nanoclaw}`,
            cure: restart(service.kind),
          },
        ]
      : []),
    ...(retention?.problems ?? []).map((problem) => ({
      what: `What is too old could not be removed: ${problem}`,
      cure: "npm run nanoclaw -- doctor",
    })),
  ];
}

const startOf = (service: string): string =>
  service === "stopped" || service === "running" ? "npm run nanoclaw -- service start" : "npm start";

const restart = (service: string): string =>
  service === "running" ? "npm run nanoclaw -- service restart" : "end it, then: npm start";

/** A network that is away comes back; a machine that nobody linked yet lacks nothing. */
const isLost = (channel: StatusFacts["channels"][number]): boolean =>
  !channel.connected &&
  ((needsLinking(channel) && !channel.detail.startsWith("not linked")) ||
    /another program|refuses this account|newer client/.test(channel.detail));

const linkCure = (detail: string): string =>
  /npm run auth/.test(detail)
    ? "npm run auth"
    : /another program/.test(detail)
      ? "end that program"
      : "npm run nanoclaw -- logs";

const doctor = "npm run nanoclaw -- doctor";

/** Others are tried again by themselves. */
function waits(failureClass: StatusFacts["waitingTurns"][number]["failureClass"]): Need[] {
  switch (failureClass) {
    case "logged-out":
      return [{ what: "Turns wait: the agent is logged out", cure: "kiro-cli login" }];
    case "agent-missing":
      return [{ what: "Turns wait: the agent is not installed", cure: doctor }];
    case "image-mismatch":
      return [{ what: "Turns wait: the image is missing or of another version", cure: `${doctor} --fix` }];
    case "engine-down":
      return [{ what: "Turns wait: the container engine does not answer", cure: doctor }];
    case "limit-reached":
    case "timeout":
    case "silence":
    case "output-cap":
    case "disk":
    case "crash":
    case null:
      return [];
    default:
      return failureClass satisfies never;
  }
}

function unsentFor({ unsentChats, heldChats, now, running }: StatusFacts): Need[] {
  if (!running) return [];
  const held = new Set(heldChats.map(({ jid }) => jid));
  const late = unsentChats.filter(({ chat, since }) => !held.has(chat) && now - since > LONG_UNSENT_MS);
  return late.map(({ chat, count }) => ({
    what: `Messages to ${chat} wait for long: ${count}`,
    cure: "see the channels above; npm run nanoclaw -- logs --errors",
  }));
}
