import { Option, type Command } from "commander";
import { parseDuration } from "../domain/duration.ts";
import { CommandError } from "./outcome.ts";

export interface TaskFlags {
  prompt?: string;
  cron?: string;
  every?: string;
  at?: string;
  zone?: string;
  context?: string;
  missed?: string;
  staleAfter?: string;
}

/** Flags that `tasks add` and `tasks update` share. */
export const taskOptions = (command: Command): Command =>
  command
    .option("--cron <fields>", 'five cron fields, e.g. "0 8 * * 1-5"')
    .option("--every <time>", "again and again, e.g. 90m, 2h, 1d (at least one minute)")
    .option("--at <time>", "once, local time of the zone, e.g. 2026-12-24T18:00")
    .option("--zone <zone>", "IANA time zone (default: the group's, else the host's)")
    .addOption(
      new Option("--context <context>", "go on in the group's conversation, or start fresh").choices([
        "group",
        "isolated",
      ]),
    )
    .addOption(
      new Option("--missed <policy>", "runs whose time came while the host was down (default: latest)").choices([
        "latest",
        "skip",
        "all",
      ]),
    )
    .option("--stale-after <time>", "do not run when it is later than this, e.g. 2h; none: no limit");

/** As the control API wants them; what was not named is left out. */
export function taskWishes(flags: TaskFlags): Record<string, unknown> {
  const named = {
    prompt: flags.prompt,
    ...scheduleOf(flags),
    zone: flags.zone,
    context_mode: flags.context,
    missed: flags.missed,
    stale_after: flags.staleAfter === undefined ? undefined : limitOf(flags.staleAfter),
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

function scheduleOf({ cron, every, at }: TaskFlags): Record<string, string> {
  const given = [cron, every, at].filter((value) => value !== undefined).length;
  if (given > 1) throw new CommandError("Give one of --cron, --every and --at, not several.");
  if (cron !== undefined) return { schedule_type: "cron", schedule_value: cron };
  if (at !== undefined) return { schedule_type: "once", schedule_value: at.trim().replace(" ", "T") };
  return every === undefined ? {} : { schedule_type: "interval", schedule_value: String(durationOf("--every", every)) };
}

const limitOf = (text: string): number | null => (text === "none" ? null : durationOf("--stale-after", text));

function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new CommandError(`${flag} ${text} is no length of time; write it like 90m, 2h or 1d.`);
  return ms;
}
