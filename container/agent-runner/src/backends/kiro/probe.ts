import { lstat, readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { capabilitiesSchema, readCapabilities, type Capabilities } from "./capabilities.ts";
import { runChild } from "./child.ts";
import { findProgram, type FoundProgram } from "./find-program.ts";

export interface ProbeOptions {
  /** What kiro-cli gets; its PATH is where it is looked for. */
  env: Record<string, string>;
  cwd: string;
  /** Where an earlier probe's result is kept, if anywhere. */
  cache: string | undefined;
  ownGroup: boolean;
  signal: AbortSignal;
}

export type ProbeOutcome =
  | { kind: "found"; program: string; capabilities: Capabilities }
  | { kind: "missing" }
  /** It is there and does not do its work here. */
  | { kind: "unusable"; error: string }
  /** It did not answer in time, which a busy machine may be to blame for. */
  | { kind: "slow" };

const cacheSchema = capabilitiesSchema.extend({ key: z.string() });

const LIMIT_MS = 60_000;
const GRACE_MS = 1_000;
const MOST_CHARACTERS = 256 * 1024;

/** Finds kiro-cli and what it knows: remembered for this very file, or asked once more. Never rejects. */
export async function probeKiro(options: ProbeOptions): Promise<ProbeOutcome> {
  const found = await findProgram("kiro-cli", options.env["PATH"]);
  if (!found) return { kind: "missing" };
  const known = await readCache(options.cache, found.key);
  if (known) return { kind: "found", program: found.path, capabilities: known };
  const [version, help] = await Promise.all([
    ask(found, ["--version"], options),
    ask(found, ["chat", "--help"], options),
  ]);
  if (help.kind !== "said") return help;
  const capabilities = readCapabilities(version.kind === "said" ? version.text : "", help.text);
  if (!capabilities.flags.includes("--no-interactive") && !capabilities.flags.includes("--non-interactive")) {
    return { kind: "unusable", error: "its help for `chat` names no --no-interactive" };
  }
  await writeCache(options.cache, { key: found.key, ...capabilities });
  return { kind: "found", program: found.path, capabilities };
}

type Said = { kind: "said"; text: string } | { kind: "unusable"; error: string } | { kind: "slow" };

async function ask({ path }: FoundProgram, args: string[], options: ProbeOptions): Promise<Said> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const said = { stdout: "", stderr: "" };
  const keep = (stream: keyof typeof said) => (bytes: Buffer) => {
    if (said[stream].length < MOST_CHARACTERS) said[stream] += bytes.toString("latin1");
  };
  const end = await runChild({
    ...options,
    program: path,
    args,
    input: "",
    onStdout: keep("stdout"),
    onStderr: keep("stderr"),
    signal: AbortSignal.any([options.signal, limit]),
    graceMs: GRACE_MS,
  });
  if (limit.aborted || options.signal.aborted) return { kind: "slow" };
  if (end.kind === "not-started") return { kind: "unusable", error: end.error };
  if (end.code === 0) return { kind: "said", text: `${said.stdout}\n${said.stderr}` };
  const how = end.signal ?? `code ${end.code}`;
  return {
    kind: "unusable",
    error: `\`kiro-cli ${args.join(" ")}\` ended with ${how}: ${said.stderr.trim().slice(-300)}`,
  };
}

async function readCache(path: string | undefined, key: string): Promise<Capabilities | undefined> {
  if (!path) return undefined;
  try {
    const { key: known, ...capabilities } = cacheSchema.parse(JSON.parse(await readFile(path, "utf8")));
    return known === key ? capabilities : undefined;
  } catch {
    return undefined; // not there, or not ours: it is asked and written anew
  }
}

async function writeCache(path: string | undefined, content: z.infer<typeof cacheSchema>): Promise<void> {
  // A device in its place (/dev/null for "nowhere") must not be replaced by a file.
  if (!path || (await isOther(path))) return;
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(draft, JSON.stringify(content) + "\n");
    await rename(draft, path);
  } catch {
    // A read-only image, or a full disk: the next turn asks again.
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function isOther(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && !found.isFile();
}
