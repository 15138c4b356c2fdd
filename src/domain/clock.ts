/** Time and sleep as an argument, so that tests hold the clock. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may jump; durations are measured with `monotonic`. */
  now(): number;
  /** Milliseconds since an arbitrary start; never jumps. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
