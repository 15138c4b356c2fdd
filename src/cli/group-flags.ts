import { CommandError } from "./outcome.ts";

/** Settings of a group as commander hands them over. */
export interface SettingFlags {
  agent?: string;
  model?: string;
  zone?: string;
  timeout?: string;
  silenceTimeout?: string;
  idleTimeout?: string;
  memory?: string;
  cpus?: string;
  pids?: string;
  shm?: string;
  fileSize?: string;
  groupSize?: string;
  network?: string;
  mount?: string[];
  mcp?: string[];
  shareLogin?: true;
  guests?: string;
}

const numbers = ["timeout", "silenceTimeout", "idleTimeout", "cpus", "pids"] as const;
const sizes = ["memory", "shm", "fileSize", "groupSize"] as const;
const words = ["agent", "model", "zone", "network", "mcp", "shareLogin", "guests"] as const;

/** The settings that were named; the host checks their values. */
export function groupSettings(flags: SettingFlags): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const name of words) if (flags[name] !== undefined) settings[name] = flags[name];
  for (const name of numbers) if (flags[name] !== undefined) settings[name] = parseNumber(name, flags[name]);
  for (const name of sizes) if (flags[name] !== undefined) settings[name] = parseSize(name, flags[name]);
  if (flags.mount) settings["mounts"] = flags.mount.map(parseMount);
  return settings;
}

/** As in the settings: bytes, or `512MiB`. */
function parseSize(name: string, text: string): number {
  const [, number, unit = ""] = /^(\d{1,12})\s*(?:([kmg])(?:i?b)?)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) {
    throw new CommandError(`--${kebabCase(name)} ${text}: that is no size, e.g. 512MiB or 4GiB.`, 2);
  }
  return Number(number) * 1024 ** " kmg".indexOf(unit.toLowerCase() || " ");
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new CommandError(`--${kebabCase(name)} ${text}: that is no number.`, 2);
  }
  return value;
}

function parseMount(text: string): { hostPath: string; containerPath: string; readonly: boolean } {
  const [, hostPath, containerPath, mode] = /^(.+?):([^:]+?)(?::(ro|rw))?$/.exec(text) ?? [];
  if (!hostPath || !containerPath) {
    throw new CommandError(
      `--mount ${text}: write it as <folder here>:<name inside>, with :rw at the end to let it write.`,
      2,
    );
  }
  return { hostPath, containerPath, readonly: mode !== "rw" };
}

const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
