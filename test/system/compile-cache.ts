import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Each home has a cache of its own, and each test a new home: without a common one, half the time is compiling. */
export const compileCache = fileURLToPath(new URL("../../node_modules/.cache/nanoclaw-tests", import.meta.url));

/** Gives it to what a host starts in this home, which is new. */
export function shareCompileCache(home: string): void {
  mkdirSync(compileCache, { recursive: true });
  mkdirSync(join(home, "data"));
  symlinkSync(compileCache, join(home, "data", "compile-cache"));
}
