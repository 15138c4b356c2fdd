/** Lets tests wait for events instead of time. */
export interface Waiting {
  /** Something happened: everybody who waits looks again. */
  changed(): void;
  /** The test's own time limit is the only one. */
  until(condition: () => boolean): Promise<void>;
}

export function createWaiting(): Waiting {
  const waiting = new Set<() => void>();
  return {
    changed: () => {
      for (const look of [...waiting]) look();
    },
    until: (condition) =>
      new Promise((resolve, reject) => {
        const look = () => {
          try {
            if (!condition()) return void waiting.add(look);
            resolve();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          waiting.delete(look);
        };
        look();
      }),
  };
}
