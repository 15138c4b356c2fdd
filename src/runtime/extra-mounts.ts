import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { builtInBlocked, placesOf } from "../domain/blocked-paths.ts";
import type { Folder } from "../domain/ids.ts";
import { expandHome, judgeMount, mountAllowlistSchema } from "../domain/mount-rules.ts";
import type { AskedMount, MountAllowlist, MountFacts } from "../domain/mount-rules.ts";

export interface ExtraMount {
  source: string;
  /** Below `/workspace/extra`. */
  name: string;
  readonly: boolean;
}

export interface MountProblem {
  hostPath: string;
  problem: string;
}

export interface LookedAtMounts {
  mounts: ExtraMount[];
  /** What is not shown as it was asked for. */
  problems: MountProblem[];
}

export interface MountQuestion {
  folder: Folder;
  asked: readonly AskedMount[];
  runtime: "docker" | "host";
  /** The person's home. */
  home: string;
  /** Of our own: our home, Kiro's data. */
  closed: readonly string[];
}

/** Outside our home, so that nothing that an agent can write decides what it is shown. */
export const allowlistPath = (home: string): string => join(home, ".config", "nanoclaw", "mount-allowlist.json");

/** What a group is shown besides its own folders, as allowlist and disk stand right now: nothing is remembered. */
export function lookAtMounts(question: MountQuestion): LookedAtMounts {
  const { asked, home, runtime } = question;
  if (asked.length === 0) return { mounts: [], problems: [] };
  const all = (problem: string): LookedAtMounts => ({
    mounts: [],
    problems: asked.map(({ hostPath }) => ({ hostPath, problem })),
  });
  if (runtime === "host") {
    return all("without a container a folder can neither be shown nor kept from being written; mounts need containers");
  }
  const read = readAllowlist(home);
  if ("problem" in read) return all(read.problem);
  const looked: LookedAtMounts = { mounts: [], problems: [] };
  for (const one of asked) add(looked, factsOf(question, one, read));
  return looked;
}

function add({ mounts, problems }: LookedAtMounts, facts: MountFacts): void {
  const { hostPath } = facts.asked;
  const ruling = judgeMount(facts);
  if (ruling.problem !== undefined) problems.push({ hostPath, problem: ruling.problem });
  if (ruling.kind === "refused") return;
  const { source, name, readonly } = ruling;
  if (mounts.some((one) => one.name === name)) problems.push({ hostPath, problem: `another one is called "${name}"` });
  else mounts.push({ source, name, readonly });
}

function factsOf({ folder, home, closed }: MountQuestion, asked: AskedMount, allowlist: MountAllowlist): MountFacts {
  const secrets = placesOf(builtInBlocked).map((place) => join(home, place));
  return {
    ...{ folder, asked, allowlist, home },
    found: lookAt(expandHome(asked.hostPath, home)),
    roots: allowlist.allowedRoots.map(({ path }) => real(expandHome(path, home))),
    closed: [...closed, ...secrets.filter((path) => existsSync(path))].flatMap((path) => [path, real(path) ?? path]),
  };
}

/** Of what is in it only the names: looking deeper would take every turn's time. */
function lookAt(path: string | undefined): MountFacts["found"] {
  const source = real(path);
  if (source === undefined) return { kind: "missing" };
  try {
    if (!statSync(source).isDirectory()) return { kind: "no-folder" };
    return { kind: "folder", path: source, names: readdirSync(source) };
  } catch {
    return { kind: "no-folder" }; // it went away, or nobody may look into it
  }
}

function real(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function readAllowlist(home: string): MountAllowlist | { problem: string } {
  const path = allowlistPath(home);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return { problem: `there is no allowlist; write ${path} (docs/groups.md)` };
    }
    return { problem: `the allowlist cannot be read: ${(error as Error).message}` };
  }
  try {
    return mountAllowlistSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    return { problem: `the allowlist ${path} cannot be used: ${why}` };
  }
}
