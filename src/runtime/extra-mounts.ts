import { existsSync, opendirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { builtInBlocked, placesOf } from "../domain/blocked-paths.ts";
import type { Group } from "../domain/group.ts";
import type { Folder } from "../domain/ids.ts";
import { expandHome, isWritable, judgeMount, MOST_NAMES, mountAllowlistSchema } from "../domain/mount-rules.ts";
import type { AskedMount, MountAllowlist, MountFacts } from "../domain/mount-rules.ts";
import { linkBelow } from "./extra-mounts-link.ts";

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
  /** All there are: what one may write in decides what another's path leads to. */
  groups: readonly Pick<Group, "folder" | "settings">[];
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
  const places = placesOfAll(question, read);
  for (const one of asked) add(looked, factsOf(question, one, places));
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

type Places = Pick<MountFacts, "allowlist" | "roots" | "closed" | "writable">;

function placesOfAll({ home, closed, groups }: MountQuestion, allowlist: MountAllowlist): Places {
  const secrets = placesOf(builtInBlocked).map((place) => join(home, place));
  const roots = allowlist.allowedRoots.map(({ path }) => real(expandHome(path, home)));
  const mounts = groups.flatMap(({ folder, settings }) => (settings.mounts ?? []).map((asked) => ({ folder, asked })));
  return {
    ...{ allowlist, roots },
    closed: [...closed, ...secrets.filter((path) => existsSync(path))].flatMap((path) => [path, real(path) ?? path]),
    writable: mounts.flatMap(({ folder, asked }) => {
      const path = real(expandHome(asked.hostPath, home));
      return path !== undefined && isWritable({ folder, asked, allowlist, roots }, path) ? [{ folder, path }] : [];
    }),
  };
}

function factsOf({ folder, home }: MountQuestion, asked: AskedMount, places: Places): MountFacts {
  const path = expandHome(asked.hostPath, home);
  const roots = places.roots.filter((root) => root !== undefined);
  const found = lookAt(path);
  const link = path === undefined || found.kind !== "folder" ? undefined : linkBelow(path, roots);
  return { ...places, folder, asked, home, found, link };
}

/** Of what is in it only the names: looking deeper would take every turn's time. */
function lookAt(path: string | undefined): MountFacts["found"] {
  const source = real(path);
  if (source === undefined) return { kind: "missing" };
  try {
    if (!statSync(source).isDirectory()) return { kind: "no-folder" };
    const names = namesIn(source);
    return names.length > MOST_NAMES ? { kind: "too-many" } : { kind: "folder", path: source, names };
  } catch {
    return { kind: "no-folder" }; // it went away, or nobody may look into it
  }
}

/** At most one more than may be. */
function namesIn(path: string): string[] {
  using folder = opendirSync(path);
  const names: string[] = [];
  for (let one = folder.readSync(); one && names.length <= MOST_NAMES; one = folder.readSync()) names.push(one.name);
  return names;
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
