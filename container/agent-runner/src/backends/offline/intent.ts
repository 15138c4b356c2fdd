import type { DateTime } from "luxon";

/** What a reminder says, and how the sentence around it went ("to stretch", "about the dentist"). */
export interface Subject {
  text: string;
  link: "to" | "about" | "that" | "none";
  /** Whom it was asked for. */
  for: "me" | "everybody";
}

export type Schedule =
  { kind: "once"; at: DateTime; remark?: string } | { kind: "cron"; cron: string } | { kind: "interval"; ms: number };

/** Which tasks are to be cancelled; numbers count from 1 in the order of the list, -1 is the last. */
export type Which =
  | { kind: "all" }
  | { kind: "only" }
  | { kind: "numbers"; numbers: number[] }
  | { kind: "id"; id: string }
  | { kind: "words"; words: string };

export type Intent =
  | { kind: "remind"; subject: Subject; schedule: Schedule }
  | { kind: "ask"; question: string }
  | { kind: "list" }
  | { kind: "cancel"; which: Which }
  | { kind: "search"; query: string }
  | { kind: "help" }
  | { kind: "hello" }
  | { kind: "thanks" }
  | { kind: "silent-yes" }
  | { kind: "command" }
  | { kind: "not-english" }
  | { kind: "unknown" };
