import type { Check } from "./check.ts";

/**
 * Does what can be done without a person's decision, one after the other, and says before each what.
 * What cannot be done is said, too: the checks that follow show what is left.
 */
export async function fixAll(
  checks: readonly Check[],
  say: (line: string) => void,
  interrupted: AbortSignal,
): Promise<void> {
  const fixes = checks.flatMap(({ name, fix }) => (fix ? [{ name, fix }] : []));
  if (fixes.length === 0) say("There is nothing that could be put right without you.");
  for (const { name, fix } of fixes) {
    if (interrupted.aborted) return say("Interrupted: the rest is as it was.");
    say(`${name}: ${fix.what}`);
    await fix.run().then(
      (done) => say(`  ${done}`),
      (error: unknown) => say(`  that failed: ${(error as Error).message}`),
    );
  }
}
