import type { Capabilities } from "./capabilities.ts";

export type Resume =
  /** A new conversation; `why` when one was asked for. */
  | { kind: "none"; why: string | null }
  /** The newest of this directory in this home; `id` when it is known which that must be. */
  | { kind: "newest"; id: string | null }
  | { kind: "id"; id: string };

export interface ResumeFacts {
  /** The host's session: an id of Kiro's, or a marker. */
  session: string | null;
  /** Other groups' conversations lie in the same store, some under the same directory. */
  sharedStore: boolean;
  capabilities: Capabilities;
  /**
   * Conversations of this directory that can be read in Kiro's stores, newest first; undefined when
   * that cannot be said.
   */
  stored: readonly string[] | undefined;
}

const MARKER = "kiro:";
/** An id becomes an argument: nothing that could be taken for a flag. */
const usableId = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/;
/** Before it, V2 took `--resume-id` and started anew. */
const RESUME_ID_WORKS_IN_V2 = [2, 21, 1] as const;

/** What stands for "the newest in this directory" where Kiro gave no id. */
export const sessionMarker = (folder: string): string => `${MARKER}${folder}`;

export const isMarker = (session: string): boolean => session.startsWith(MARKER);

const anew = (why: string | null): Resume => ({ kind: "none", why });

/**
 * How to come back into a conversation. "The newest" only where it cannot be another group's, and,
 * when its id is known, only if that is still the newest: an isolated run has the same directory.
 */
export function planResume({ session, sharedStore, capabilities, stored }: ResumeFacts): Resume {
  if (session === null) return anew(null);
  if (!isMarker(session) && !usableId.test(session)) return anew("the stored session is no id of Kiro's");
  if (!isMarker(session) && resumesById(capabilities)) {
    // The classic engine does not tell when it starts anew with an id that it does not know.
    const isGone = !capabilities.streamJson && stored?.includes(session) === false;
    return isGone ? anew(`Kiro's store does not hold ${session}`) : { kind: "id", id: session };
  }
  if (sharedStore) return anew("the newest conversation of a shared store may be another group's");
  if (!capabilities.flags.includes("--resume")) return anew("this kiro-cli knows no --resume");
  // The classic engine would not tell that it has none, either.
  if (isMarker(session) && stored?.length === 0) return anew("Kiro's store holds none of this directory");
  if (isMarker(session)) return { kind: "newest", id: null };
  if (stored?.[0] === session) return { kind: "newest", id: session };
  return anew("this kiro-cli goes on with the newest conversation only, and that is another one");
}

function resumesById({ flags, streamJson, version }: Capabilities): boolean {
  return flags.includes("--resume-id") && (!streamJson || version === null || isSince(version, RESUME_ID_WORKS_IN_V2));
}

function isSince(version: string, first: readonly number[]): boolean {
  const parts = version.split(/[.+-]/).map(Number);
  const at = first.findIndex((part, index) => parts[index] !== part);
  return at < 0 || (parts[at] ?? 0) > (first[at] ?? 0);
}
