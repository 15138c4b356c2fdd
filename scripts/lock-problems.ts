import { z } from "zod";

const dependencies = z.record(z.string(), z.string()).default({});
const entrySchema = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  resolved: z.string().optional(),
  dependencies,
});
export const lockSchema = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), entrySchema) });
export const packageSchema = z.object({ dependencies });

export type Lock = z.infer<typeof lockSchema>;

/** What keeps the runner's own lock from standing for the same packages as the root's. */
export function lockProblems(root: Lock, runner: Lock, runnerPackage: z.infer<typeof packageSchema>): string[] {
  const asked = runner.packages[""]?.dependencies ?? {};
  return [
    ...differences("package.json", runnerPackage.dependencies, asked),
    ...Object.keys(runner.packages).flatMap((path) => (path === "" ? [] : entryProblem(root, runner, path))),
    ...addresses("package-lock.json", root),
    ...addresses("container/agent-runner/package-lock.json", runner),
  ];
}

function differences(where: string, wanted: Record<string, string>, locked: Record<string, string>): string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(locked)])];
  return names
    .filter((name) => wanted[name] !== locked[name])
    .map(
      (name) => `${name}: ${where} asks for ${wanted[name] ?? "nothing"}, the lock for ${locked[name] ?? "nothing"}`,
    );
}

/** The root may keep a package at its top, or, where versions clash, below the runner's folder. */
function entryProblem(root: Lock, runner: Lock, path: string): string[] {
  const ours = runner.packages[path];
  const theirs = root.packages[`container/agent-runner/${path}`] ?? root.packages[path];
  if (!theirs) return [`${path}: the root's lock does not have it`];
  if (ours?.version !== theirs.version) {
    return [`${path}: ${ours?.version ?? "no version"} here, ${theirs.version ?? "no version"} in the root's lock`];
  }
  return ours?.integrity === theirs.integrity ? [] : [`${path}: its integrity differs from the root's lock`];
}

/** A lock names packages, not the place they were fetched from. */
function addresses(file: string, { packages }: Lock): string[] {
  return Object.entries(packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !link)
    .map(([path]) => `${file}: ${path} carries an address ("resolved")`);
}
