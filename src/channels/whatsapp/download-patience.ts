/** Ends a download that is not wanted any more, stands still, or takes too long. */
export interface Patience extends Disposable {
  signal: AbortSignal;
  /** Something came. */
  heard(): void;
  /** Why it ended, if this ended it. */
  verdict(): string | null;
}

export interface PatienceLimits {
  idleMs: number;
  wholeMs: number;
}

export function createPatience(stopped: AbortSignal, { idleMs, wholeMs }: PatienceLimits): Patience {
  const over = new AbortController();
  const end = (why: string) => over.abort(new Error(why));
  const idle = setTimeout(end, idleMs, `nothing came for ${seconds(idleMs)}`);
  const whole = setTimeout(end, wholeMs, `it took longer than ${seconds(wholeMs)}`);
  return {
    signal: AbortSignal.any([stopped, over.signal]),
    heard: () => void idle.refresh(),
    verdict: () => {
      if (stopped.aborted) return "the download was stopped";
      return over.signal.aborted ? (over.signal.reason as Error).message : null;
    },
    [Symbol.dispose]: () => {
      clearTimeout(idle);
      clearTimeout(whole);
    },
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} seconds`;
