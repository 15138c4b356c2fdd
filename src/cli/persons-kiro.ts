import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { personsKiro, type PersonsKiro } from "../kiro-supply.ts";
import { loginState } from "../kiro/login-state.ts";
import type { HostStatus } from "./doctor-containers.ts";

/** Looks at the person's Kiro as a start would, with nothing left behind. */
export async function withPersonsKiro<T>(
  env: NodeJS.ProcessEnv,
  work: (person: PersonsKiro) => T | Promise<T>,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), "nanoclaw-doctor-"));
  try {
    return await work(personsKiro(env, scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Whether some chat is answered by Kiro: by a setting, a key, a login, or one that was there at a start. */
export function isKiroMeant({ settings }: Config, { files }: PersonsKiro, host: HostStatus | undefined): boolean {
  if (settings.NANOCLAW_AGENT === "kiro" || host?.groups.some(({ agent }) => agent === "kiro")) return true;
  if (settings.NANOCLAW_AGENT !== undefined) return false;
  return (
    settings.KIRO_API_KEY !== undefined || host?.kiroSeen === true || loginState(files.readLogin).kind !== "logged-out"
  );
}
