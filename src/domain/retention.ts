/** How long each kind of thing is kept, in ms; Infinity: for ever. */
export interface KeepFor {
  /** What was said and answered, and the prompts of tasks that are over. */
  messages: number;
  /** Files that came with messages, and copies of those that left. */
  media: number;
  /** What the host noted about its own work. */
  runs: number;
  /** What agents reported while they ran. */
  journals: number;
}

/** Whatever is older than these times may go, epoch ms; -Infinity: nothing. */
export interface Cutoffs {
  /** When this was found out: what is younger came while the clock was ahead. */
  now: number;
  messages: number;
  media: number;
  runs: number;
  journals: number;
}

/**
 * @param ageLimit how old a message may be that still calls the assistant: until then, one that
 * comes once more has to be recognised.
 */
export function cutoffsAt(now: number, keep: KeepFor, ageLimit: number): Cutoffs {
  const messages = now - Math.max(keep.messages, ageLimit);
  return {
    now,
    messages,
    // A file goes with its message at the latest.
    media: Math.max(messages, now - keep.media),
    runs: now - keep.runs,
    journals: now - keep.journals,
  };
}

const DAY_MS = 24 * 60 * 60_000;
const LONGEST_LEAP_MS = 31 * DAY_MS;

/**
 * A clock that leapt ahead must not empty the ledger. After a month's leap it is believed when it
 * still says so a day later.
 * @param last when it was last believed, and since when it is not; undefined: there was no look yet.
 */
export function isBelievable(now: number, last: LastLook | undefined): boolean {
  if (last === undefined || now - last.at <= LONGEST_LEAP_MS) return true;
  return now - doubtedSince(now, last) >= DAY_MS;
}

/** Since when the clock has said what is not believed. After another leap the day begins anew. */
export function doubtedSince(now: number, { doubtedAt }: LastLook): number {
  const isSame = doubtedAt !== undefined && now >= doubtedAt && now - doubtedAt <= LONGEST_LEAP_MS;
  return isSame ? doubtedAt : now;
}

export interface LastLook {
  at: number;
  doubtedAt?: number | undefined;
}

export interface MessageFacts {
  seq: number;
  receivedAt: number;
  hasFiles: boolean;
}

/**
 * @param neededFrom the chat's first message that a turn still has to read, or may be handed once
 * more; Infinity: none.
 */
export function fateOfMessage(
  { seq, receivedAt, hasFiles }: MessageFacts,
  neededFrom: number,
  cutoffs: Cutoffs,
): "stays" | "goes" | "loses-files" {
  if (seq >= neededFrom) return "stays";
  if (receivedAt < cutoffs.messages) return "goes";
  return hasFiles && receivedAt < cutoffs.media ? "loses-files" : "stays";
}

export interface OutgoingFacts {
  seq: number;
  status: "pending" | "sent" | "failed";
  /** When it was written, or sent: whatever came last. */
  at: number;
  /** The agent still has to be told that it failed. */
  untold: boolean;
}

/** @param shown what a person has seen of a local chat; Infinity: the network has shown it. */
export const mayOutgoingGo = (row: OutgoingFacts, shown: number, cutoff: number): boolean =>
  row.status !== "pending" && !row.untold && row.seq <= shown && row.at < cutoff;

/** What a pass took away. */
export interface Removed {
  messages: number;
  replies: number;
  files: number;
  turns: number;
  runs: number;
  tasks: number;
  journals: number;
}

export const nothingRemoved: Removed = {
  ...{ messages: 0, replies: 0, files: 0, turns: 0, runs: 0, tasks: 0, journals: 0 },
};
