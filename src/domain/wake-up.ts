/** Wakes the one loop that sleeps on it; a call while nobody sleeps is kept for the next sleep. */
export interface WakeUp {
  now(): void;
  /** Aborts at the next call of `now`, or is aborted already when one was missed. */
  next(): AbortSignal;
}

export function createWakeUp(): WakeUp {
  let controller = new AbortController();
  return {
    now: () => controller.abort(),
    next: () => {
      const { signal } = controller;
      if (signal.aborted) controller = new AbortController();
      return signal;
    },
  };
}
