/** Who may use the login now, one at a time and in the order of asking. */
export interface Lease {
  /**
   * Resolves when it is this caller's turn; disposing gives the turn to the next. Disposing twice
   * changes nothing.
   * @throws the signal's reason when it aborts first.
   */
  acquire(signal?: AbortSignal): Promise<Disposable>;
  /** At once and beside others: for a run that an earlier host began. Nobody is let in before it ends. */
  join(): Disposable;
}

export function createLease(): Lease {
  let holders = 0;
  const waiting: (() => void)[] = [];

  const hold = (): Disposable => {
    holders += 1;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        holders -= 1;
        if (holders === 0) waiting.shift()?.();
      },
    };
  };

  return {
    join: hold,
    acquire: (signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      if (holders === 0) return Promise.resolve(hold());
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal?.removeEventListener("abort", leave);
          resolve(hold());
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(signal?.reason as Error);
        };
        waiting.push(enter);
        signal?.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
