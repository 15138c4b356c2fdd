import { build, parse, type PlistValue } from "plist";
import type { FoundFile, ServicePlan } from "./service-plan.ts";

export const LABEL = "com.nanoclaw";

/** Seconds between two starts of a job that ends at once. */
const THROTTLE = 10;

export function launchdFile(plan: ServicePlan): string {
  return `${build({
    Label: LABEL,
    ProgramArguments: [...plan.command],
    WorkingDirectory: plan.folder,
    EnvironmentVariables: plan.env,
    RunAtLoad: true,
    // Always: what cannot run yet stays and waits (src/cli/start-service.ts), so nothing loops.
    KeepAlive: true,
    ThrottleInterval: THROTTLE,
    ExitTimeOut: plan.stopSeconds,
    // What a stop leaves running on purpose is the next start's affair.
    AbandonProcessGroup: true,
    // The default lets macOS slow down the service and every agent that it starts.
    ProcessType: "Interactive",
    StandardOutPath: plan.out,
    StandardErrorPath: plan.err,
  })}\n`;
}

/** Reads XML and binary: `defaults` and `plutil` write either. */
export function readLaunchdFile(content: Buffer): FoundFile {
  const text = content.toString("utf8");
  try {
    const { ProgramArguments: command, EnvironmentVariables: env } = dictOf(parsed(content));
    const [program, script] = Array.isArray(command) ? command.map(String) : [];
    return { text, ...(program ? { program } : {}), ...(script ? { script } : {}), env: stringsOf(dictOf(env)) };
  } catch {
    return { text, env: {} }; // no property list: the caller keeps a copy
  }
}

/** Whether both say the same: PlistBuddy writes the whole file anew, in its own manner. */
export function isSamePlist(text: string, content: Buffer): boolean {
  try {
    return canonical(parse(text)) === canonical(parsed(content));
  } catch {
    return false;
  }
}

const parsed = (content: Buffer): PlistValue =>
  parse(content.subarray(0, 6).toString("latin1") === "bplist" ? content : content.toString("utf8"));

type Dict = Record<string, PlistValue>;
const isDict = (value: unknown): value is Dict =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
const dictOf = (value: PlistValue | undefined): Dict => (isDict(value) ? value : {});

const stringsOf = (dict: Dict): Record<string, string> =>
  Object.fromEntries(
    Object.entries(dict).flatMap(([key, value]) =>
      ["string", "number", "boolean"].includes(typeof value) ? [[key, String(value as string | number | boolean)]] : [],
    ),
  );

/** With keys in one order. */
const canonical = (value: PlistValue): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    isDict(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
