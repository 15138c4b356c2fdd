import { safeForTerminal } from "./display.ts";

const LEVELS: Record<number, string> = { 10: "trace", 20: "debug", 30: "info", 40: "WARN", 50: "ERROR", 60: "FATAL" };

/** A line of the host's log; undefined: it is none, as half a line after a crash. */
export function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const parsed = JSON.parse(line) as unknown;
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** As people read it. */
export function readableLine(line: string): string {
  const parsed = parseLine(line);
  if (!parsed) return safeForTerminal(line);
  const { time, level, msg, ...rest } = parsed;
  const data = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const kind = (LEVELS[Number(level)] ?? "").padEnd(5);
  return safeForTerminal(`${String(time)} ${kind} ${String(msg)}  ${data.join(" ")}`.trimEnd());
}

export interface LineFilter {
  /** Epoch ms; -Infinity: from the beginning. */
  since: number;
  /** A group's folder and its chats; undefined: all. */
  group: { folder: string; chats: ReadonlySet<string> } | undefined;
}

/** A line without a time of its own says nothing about when it was written. */
export const isTooOld = (line: string, { since }: LineFilter): boolean =>
  since !== -Infinity && Date.parse(String(parseLine(line)?.["time"])) < since;

export function isOfGroup(line: string, { group }: LineFilter): boolean {
  if (!group) return true;
  const { group: named, folder, chat } = parseLine(line) ?? {};
  return named === group.folder || folder === group.folder || (typeof chat === "string" && group.chats.has(chat));
}
