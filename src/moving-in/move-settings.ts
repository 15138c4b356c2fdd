import type { Config } from "../config.ts";
import type { Clock } from "../domain/clock.ts";
import type { Home } from "../home.ts";
import { linkedAccount } from "./old-home.ts";
import type { MoveSettings } from "./plan-move.ts";

/** Names of the moments at which a test ends the process. */
export type MovePoint = "backed-up" | "built" | "copied" | "renamed";

export interface MoveOptions {
  home: Home;
  config: Config;
  clock: Clock;
  /** The folder of the person who runs this: services are looked for there. */
  personsHome: string;
  checkpoint?: (point: MovePoint) => void;
}

export interface MovedIn {
  /** The report's file, for people. */
  report: string;
  /** Where the old database lies as it was. */
  backup: string;
  summary: string;
}

/** @param named the old system's own settings, where this home has none yet. */
export function moveSettings(
  { config, clock }: Pick<MoveOptions, "config" | "clock">,
  auth: string,
  named: Record<string, string | undefined> = {},
): MoveSettings {
  const { settings, zone } = config;
  const own = named["ASSISTANT_HAS_OWN_NUMBER"];
  return {
    identity: {
      assistantName: named["ASSISTANT_NAME"] ?? settings.ASSISTANT_NAME,
      hasOwnNumber: own === undefined ? settings.ASSISTANT_HAS_OWN_NUMBER : own === "true",
      owners: settings.NANOCLAW_OWNER ?? [],
      account: linkedAccount(auth),
    },
    zone,
    ageLimit: settings.NANOCLAW_MESSAGE_AGE_LIMIT,
    now: clock.now(),
  };
}

/** For names of files. */
export const stampOf = (now: number): string => new Date(now).toISOString().replaceAll(/[:.]/g, "-");
