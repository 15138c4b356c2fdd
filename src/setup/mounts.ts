import { existsSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { blocker, builtInBlocked, systemFolders } from "../domain/blocked-paths.ts";
import { expandHome, mountAllowlistSchema, type MountAllowlist } from "../domain/mount-rules.ts";
import { allowlistPath } from "../runtime/extra-mounts.ts";
import type { MountRoot } from "./answers.ts";
import { createFile } from "./create-file.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";

export const mountsStep: Step = { name: "mounts", title: "Folders of yours that groups may be shown", look, run };

const homeOf = ({ terminal: { env } }: Setup): string => env["HOME"] ?? homedir();

/** What stands there is the person's: it is read, and never written. */
function look(setup: Setup): Promise<State> {
  const path = allowlistPath(homeOf(setup));
  if (!existsSync(path)) return Promise.resolve({ kind: "todo", detail: `there is no ${path}` });
  const change = `it is not overwritten; change ${path} by hand, or move it away and run this again`;
  const read = readAllowlist(path);
  if ("problem" in read) {
    return Promise.resolve({ kind: "impossible", detail: `${path} cannot be used: ${read.problem}`, cure: change });
  }
  const { mounts } = setup.answers;
  if (mounts !== undefined && !isSame(read, mounts === "none" ? [] : mounts)) {
    return Promise.resolve({ kind: "impossible", detail: `${path} is there and says ${rootsOf(read)}`, cure: change });
  }
  return Promise.resolve({ kind: "done", detail: `${rootsOf(read)} (${path})` });
}

function readAllowlist(path: string): MountAllowlist | { problem: string } {
  try {
    return mountAllowlistSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    return { problem: error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message };
  }
}

const rootsOf = ({ allowedRoots }: MountAllowlist): string =>
  allowedRoots.map(({ path, allowReadWrite }) => (allowReadWrite ? `${path} (writable)` : path)).join(", ") || "none";

const spelled = (roots: readonly MountRoot[]): string =>
  JSON.stringify(roots.map(({ path, allowReadWrite }) => [path, allowReadWrite]).sort());

const isSame = ({ allowedRoots }: MountAllowlist, roots: readonly MountRoot[]): boolean =>
  spelled(allowedRoots) === spelled(roots);

async function run(setup: Setup): Promise<Outcome> {
  const { answers } = setup;
  const roots = answers.mounts === "none" ? [] : (answers.mounts ?? (await askRoots(setup)));
  const problems = roots.flatMap(({ path }) => rootProblem(path, homeOf(setup)) ?? []);
  if (problems.length > 0) return { status: "failed", detail: problems.join("; "), cure: "name other folders" };
  const path = allowlistPath(homeOf(setup));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const allowlist: MountAllowlist = { allowedRoots: [...roots], blockedPatterns: [], nonMainReadOnly: true };
  if (!createFile(path, `${JSON.stringify(allowlist, null, 2)}\n`)) {
    return { status: "failed", detail: `${path} was made by somebody else meanwhile; it is left as it is` };
  }
  const how = roots.length > 0 ? "; a group is shown one by: groups set <folder> --mount <folder here>:<name>" : "";
  return { status: "done", detail: `${rootsOf(allowlist)} (${path})${how}` };
}

async function askRoots(setup: Setup): Promise<MountRoot[]> {
  const { ask } = setup.ui;
  if (!ask) return [];
  const way = await ask.choose("May groups be shown folders of this machine, besides their own?", [
    { value: "none", label: "None", hint: "you can allow some later" },
    { value: "some", label: "Choose folders", hint: "each group still has to be given one of them" },
  ]);
  const roots: MountRoot[] = [];
  while (way === "some") {
    const path = await ask.text(
      "A folder (empty: no more):",
      (typed) => askedProblem(typed, homeOf(setup)),
      "~/projects",
    );
    if (path === "") break;
    roots.push({ path, allowReadWrite: await ask.confirm("May it be written there as well?", false) });
  }
  return roots;
}

const askedProblem = (typed: string, home: string): string | undefined =>
  typed === "" ? undefined : rootProblem(typed, home);

/** Why a folder cannot be a root; undefined: it can. */
export function rootProblem(given: string, home: string): string | undefined {
  const path = expandHome(given, home);
  if (path === undefined) return `${given}: a path begins with / or ~/`;
  try {
    const real = realpathSync(path);
    if (!statSync(real).isDirectory()) return `${given}: that is no folder`;
    if (systemFolders.includes(real)) return `${given}: with it goes the whole machine`;
    const blocked = blocker(builtInBlocked)(path) ?? blocker(builtInBlocked)(real);
    return blocked === undefined ? undefined : `${given}: what is called "${blocked}" is never shown`;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return `${given}: ${isMissing ? "there is nothing at that path" : (error as Error).message}`;
  }
}
