import { z } from "zod";
import { blocker, builtInBlocked, systemFolders } from "./blocked-paths.ts";
import type { GroupSettings } from "./group.ts";
import { MAIN, type Folder } from "./ids.ts";

/** `~/.config/nanoclaw/mount-allowlist.json`: which folders of this machine groups may be shown. */
export const mountAllowlistSchema = z.object({
  allowedRoots: z.array(
    z.object({
      path: z.string().min(1),
      allowReadWrite: z.boolean().default(false),
      description: z.string().optional(),
    }),
  ),
  /** Beside the built-in ones. */
  blockedPatterns: z.array(z.string().min(1)).default([]),
  /** Whether only main may write. */
  nonMainReadOnly: z.boolean().default(true),
});
export type MountAllowlist = z.infer<typeof mountAllowlistSchema>;

export type AskedMount = NonNullable<GroupSettings["mounts"]>[number];

/** What the disk says of a folder that a group asks for. Paths are real ones: no link is left in them. */
export interface MountFacts {
  folder: Folder;
  asked: AskedMount;
  allowlist: MountAllowlist;
  /** The person's home, as the system names it. */
  home: string;
  /** What stands at the asked path. */
  found:
    | { kind: "missing" }
    | { kind: "no-folder" }
    | { kind: "too-many" }
    | { kind: "folder"; path: string; names: readonly string[] };
  /** The link below an allowed root that the asked path leads through. */
  link: string | undefined;
  /** The allowed roots that exist, in the allowlist's order; undefined for one that does not. */
  roots: readonly (string | undefined)[];
  /** Folders that hold the assistant's own secrets: neither they nor what is in or around them is shown. */
  closed: readonly string[];
  /** Folders of the person's that a group may write. */
  writable: readonly { folder: Folder; path: string }[];
}

/** Of one folder: reading them holds up everything else. */
export const MOST_NAMES = 10_000;

export type MountRuling =
  | { kind: "refused"; problem: string }
  /** `problem`: why it cannot be written although that was asked for. */
  | { kind: "shown"; source: string; name: string; readonly: boolean; problem?: string };

const SHARED = "shared";

/** May this group be shown this folder, and may it write there? */
export function judgeMount(facts: MountFacts): MountRuling {
  const { asked, found, home } = facts;
  const refused = (problem: string): MountRuling => ({ kind: "refused", problem });
  const name = nameInside(asked.containerPath);
  if (name === undefined) {
    return refused(
      `"${asked.containerPath}" is no name for it inside: one name of letters, digits, dot, _ or -, and not "${SHARED}"`,
    );
  }
  const path = expandHome(asked.hostPath, home);
  if (path === undefined) return refused("its path must begin with / or ~/");
  if (found.kind === "missing") return refused("there is nothing at that path");
  if (found.kind === "no-folder") return refused("it is no folder");
  if (found.kind === "too-many") return refused(`it holds more than ${MOST_NAMES} names; show a folder below it`);
  const source = found.path;
  const blockedBy = blocker([...builtInBlocked, ...facts.allowlist.blockedPatterns]);
  const blocked = blockedBy(path) ?? blockedBy(source);
  if (blocked !== undefined) return refused(`what is called "${blocked}" is never shown`);
  if (systemFolders.includes(source)) return refused("with it goes the whole machine");
  const root = facts.allowlist.allowedRoots.find((_, at) => isIn(source, facts.roots[at]));
  if (!root) return refused("it lies below none of the allowlist's allowedRoots");
  if (facts.link !== undefined) return refused(`${facts.link} is a link; name the folder that it leads to`);
  const over = facts.writable.find((one) => one.path !== source && isIn(source, one.path));
  if (over !== undefined) return refused(`it lies in ${over.path}, where the group "${over.folder}" may write`);
  const near = facts.closed.find((one) => isIn(source, one) || isIn(one, source));
  if (near !== undefined) return refused(`${near} lies in it, or it lies there; show a narrower folder`);
  const inside = found.names.find((one) => blockedBy(one) !== undefined);
  if (inside !== undefined) return refused(`it holds ${inside}, which is never shown; show a folder below it`);
  return shown(facts, source, name, root.allowReadWrite);
}

/** Might a group write there, as allowlist and request stand? */
export function isWritable(
  { folder, asked, allowlist, roots }: Pick<MountFacts, "folder" | "asked" | "allowlist" | "roots">,
  path: string,
): boolean {
  if (asked.readonly !== false || (folder !== MAIN && allowlist.nonMainReadOnly)) return false;
  return allowlist.allowedRoots.some((root, at) => root.allowReadWrite && isIn(path, roots[at]));
}

function shown(
  { asked, folder, allowlist }: MountFacts,
  source: string,
  name: string,
  rootWrites: boolean,
): MountRuling {
  const why =
    asked.readonly !== false
      ? undefined
      : !rootWrites
        ? "the allowlist's root does not have allowReadWrite"
        : folder !== MAIN && allowlist.nonMainReadOnly
          ? "the allowlist says nonMainReadOnly"
          : null;
  if (why === null) return { kind: "shown", source, name, readonly: false };
  const problem = why === undefined ? {} : { problem: `shown read-only: ${why}` };
  return { kind: "shown", source, name, readonly: true, ...problem };
}

/** One name below `/workspace/extra`, which may be written before it. */
function nameInside(containerPath: string): string | undefined {
  const name = containerPath.replace(/^\/workspace\/extra\//, "").replace(/\/$/, "");
  return /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u.test(name) && name !== SHARED ? name : undefined;
}

/** Undefined: it is neither absolute nor below the home. */
export function expandHome(path: string, home: string): string | undefined {
  if (path === "~" || path.startsWith("~/")) return home + path.slice(1);
  return path.startsWith("/") ? path : undefined;
}

export const isIn = (path: string, folder: string | undefined): boolean =>
  folder !== undefined && (path === folder || folder === "/" || path.startsWith(`${folder}/`));
