import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";

export interface AskingOptions {
  /** Rejects when there was no answer. */
  ask(jid: string): Promise<void>;
  /** Nothing is asked after this. */
  over: AbortSignal;
  clock: Clock;
  log: Log;
}

export interface Asking {
  /** May be repeated: what is asked at this moment is asked again after it. */
  want(jid: string): void;
  isWanted(jid: string): boolean;
}

/** After no answer: nothing is asked for that long. */
export const AGAIN_MS = 60_000;

/** One question after the other: WhatsApp bans who asks for a hundred groups at once. */
export function createAsking({ ask, over, clock, log }: AskingOptions): Asking {
  const wanted = new Set<string>();
  let current: string | undefined;
  const work = async (): Promise<void> => {
    for (const jid of wanted) {
      if (over.aborted) return;
      wanted.delete(jid);
      current = jid;
      try {
        await ask(jid);
      } catch (error) {
        log.debug({ error: (error as Error).message }, "Group facts could not be had");
        await clock.sleep(AGAIN_MS, over);
        wanted.add(jid);
      }
    }
    current = undefined;
  };
  return {
    want: (jid) => {
      wanted.add(jid);
      if (current === undefined) void work();
    },
    isWanted: (jid) => wanted.has(jid) || current === jid,
  };
}
