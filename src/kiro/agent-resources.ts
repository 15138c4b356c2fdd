import { posix } from "node:path";

/** Which files of the person's Kiro sees, and where. */
export interface Visible {
  /** Everything is where it is: Kiro runs on the person's machine. */
  all: boolean;
  /** The person's home folder, for `~`. */
  personsHome: string;
  /** Folders of the person's, and where they are mounted. */
  mounts: readonly { source: string; target: string }[];
  /** `.kiro` folder of the home that Kiro gets, as Kiro sees it. */
  kiro: string;
}

/** Kiro of before 2.7 reads steering only where an agent names it. */
const GROUP_STEERING = "file://.kiro/steering/**/*.md";

/** Paths that exist in every container. */
const INSIDE = ["/workspace", "/home/node"];

/** The person's resources as Kiro will find them, and the steering files. */
export function placeResources(resources: readonly unknown[], visible: Visible, notes: string[]): string[] {
  const placed = resources.flatMap((resource) => {
    const found = placeResource(resource, visible);
    if ("path" in found) return [found.path];
    notes.push(`resource ${String(JSON.stringify(resource)).slice(0, 120)} is left out: ${found.problem}`);
    return [];
  });
  const steering = `${visible.kiro}/steering`;
  const isSeen = visible.all || visible.mounts.some(({ target }) => isBelow(steering, target));
  return [...new Set([...placed, GROUP_STEERING, ...(isSeen ? [`file://${steering}/**/*.md`] : [])])];
}

function placeResource(resource: unknown, visible: Visible): { path: string } | { problem: string } {
  const [, scheme, path] = (typeof resource === "string" && /^(file|skill):\/\/(.+)$/s.exec(resource)) || [];
  if (scheme === undefined || path === undefined) return { problem: "it is no file:// or skill:// path" };
  // The home that Kiro gets may be another one than the person's.
  const full = /^~(?=\/|$)/.test(path) ? visible.personsHome + path.slice(1) : path;
  if (visible.all) return { path: `${scheme}://${full}` };
  const clean = posix.normalize(full);
  if (!clean.startsWith("/")) {
    return clean.startsWith("..")
      ? { problem: "it lies outside the group's folder" }
      : { path: `${scheme}://${clean}` };
  }
  if (INSIDE.some((folder) => isBelow(clean, folder)) && !isBelow(clean, visible.personsHome))
    return { path: `${scheme}://${clean}` };
  const mount = visible.mounts.find(({ source }) => isBelow(clean, source));
  if (!mount) return { problem: "it is not mounted where Kiro runs" };
  return { path: `${scheme}://${mount.target}${clean.slice(mount.source.length)}` };
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
