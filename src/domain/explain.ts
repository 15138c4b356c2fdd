import { explainReason } from "./decide.ts";
import { humanInZone } from "./zone.ts";

/** What the ledger says of one message and its turn. */
export interface Story {
  message: { sentAt: number; receivedAt: number; decision: "ignored" | "context" | "wakes"; reason: string };
  /** The turn that took the message, if one did. */
  turn:
    | {
        status: "queued" | "running" | "answered" | "failed" | "interrupted" | "cancelled";
        dueAt: number;
        attempts: number;
        startedAt: number;
        endedAt: number | null;
        failure: string | null;
      }
    | undefined;
  /** It was dealt with, and what the turn noted is no longer kept. */
  isLongAgo?: boolean;
  replies: number;
  /** The folder's turn that runs now, when it is another one. */
  busyWith: string | null;
  zone: string;
}

export type StoryState = "ignored" | "context" | "waiting" | "running" | "answered" | "failed";

export function storyState({ message, turn, isLongAgo }: Story): StoryState {
  if (message.reason === "command" || (isLongAgo && message.decision === "wakes")) return "answered";
  if (message.decision !== "wakes") return message.decision;
  if (!turn || turn.status === "queued") return "waiting";
  if (turn.status === "running" || turn.status === "answered") return turn.status;
  return "failed";
}

/** Why there was, or was no, answer: sentences for `why`. */
export function tellStory(story: Story): string[] {
  const { message, turn, zone } = story;
  const lines = [`Received ${humanInZone(message.receivedAt, zone)}.`, `Decision: ${decisionWords(message)}.`];
  if (message.decision !== "wakes") return lines;
  if (story.isLongAgo) return [...lines, "It was dealt with; what became of it is no longer kept."];
  if (!turn) return [...lines, story.busyWith === null ? "It waits for a free slot." : `It waits: ${story.busyWith}.`];
  return [...lines, ...turnLines(turn, story)];
}

const decisionWords = ({ decision, reason }: Story["message"]): string => {
  if (reason === "command") return "answered by the host itself, without the agent: it was a command";
  const words = { ignored: "not answered", context: "kept as context", wakes: "to be answered" }[decision];
  return `${words}, because ${explainReason(reason)}`;
};

function turnLines(turn: NonNullable<Story["turn"]>, { zone, replies }: Story): string[] {
  const failure = turn.failure === null ? [] : [`Last failure: ${turn.failure}.`];
  const ended = turn.endedAt === null ? "" : humanInZone(turn.endedAt, zone);
  switch (turn.status) {
    case "queued":
      return [`It waits for attempt ${turn.attempts + 1}, due ${humanInZone(turn.dueAt, zone)}.`, ...failure];
    case "running":
      return [
        `It is being answered (attempt ${turn.attempts}, since ${humanInZone(turn.startedAt, zone)}).`,
        ...failure,
      ];
    case "answered":
      return [
        `Answered ${ended} with ${replies === 0 ? "no text: the agent had nothing to say" : plural(replies, "message")}.`,
      ];
    case "failed":
      return [`Given up ${ended} after ${plural(turn.attempts, "attempt")}.`, ...failure];
    case "interrupted":
      return [`Cut off ${ended} after it had already acted; it is not repeated by itself.`, ...failure];
    case "cancelled":
      return [`Stopped ${ended}.`];
    default:
      return turn.status satisfies never;
  }
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
