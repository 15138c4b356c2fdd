import { closeSync, constants, fchmodSync, fchownSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { judge } from "../../domain/rights.ts";
import { LaunchError, type LaunchSpec, type Mount } from "../runtime.ts";
import type { User } from "./user.ts";

/**
 * What a turn of this group sees of the host. Folders inside a writable one that must stay as the
 * host made them (`.kiro`, `inbox`, the exchange folders) are mounts of their own: a mount point
 * cannot be renamed or replaced from inside.
 */
export function mountsOf(spec: LaunchSpec): Mount[] {
  const replaced = new Set(spec.mounts.map(({ target }) => target));
  return [...usualMounts(spec).filter(({ target }) => !replaced.has(target)), ...spec.mounts];
}

function usualMounts({ folder, paths }: LaunchSpec): Mount[] {
  const actor = { kind: "agent", folder } as const;
  const writes = judge({ actor, action: "write_global_notes", chat: { folder, held: false } }).allowed;
  const shared = (source: string, target: string): Mount => ({ source, target, readonly: !writes, owned: writes });
  const own = (source: string, target: string): Mount => ({ source, target, readonly: false, owned: true });
  const fixed = (source: string, target: string): Mount => ({ source, target, readonly: true, owned: false });
  const exchange = (name: string) => [join(paths.ipc, name), `/workspace/ipc/${name}`] as const;
  const kiro = (name: string) => [join(paths.home, ".kiro", name), `/home/node/.kiro/${name}`] as const;
  return [
    own(paths.group, "/workspace/group"),
    // Kiro executes what stands in `.kiro`; only its notes may change.
    fixed(join(paths.group, ".kiro"), "/workspace/group/.kiro"),
    own(join(paths.group, ".kiro", "steering"), "/workspace/group/.kiro/steering"),
    fixed(paths.inbox, "/workspace/group/inbox"),
    shared(paths.global, "/workspace/global"),
    shared(paths.extra, "/workspace/extra"),
    fixed(paths.ipc, "/workspace/ipc"),
    own(...exchange("requests")),
    fixed(...exchange("responses")),
    own(...exchange("journal")),
    fixed(...exchange("input")),
    own(...exchange("outgoing")),
    own(paths.home, "/home/node"),
    own(join(paths.home, ".kiro"), "/home/node/.kiro"),
    fixed(...kiro("agents")),
    fixed(...kiro("settings")),
    fixed(...kiro("hooks")),
    // Each level is a mount point, so that Kiro's data lies where the host put it.
    own(join(paths.home, ".local"), "/home/node/.local"),
    own(join(paths.home, ".local", "share"), "/home/node/.local/share"),
    own(join(paths.home, ".local", "share", "kiro-cli"), "/home/node/.local/share/kiro-cli"),
  ];
}

/**
 * Makes what is missing and looks at what is there: a mount of something else than a folder of
 * ours would show the agent what it must not see.
 * @param owner the user inside, when the host may give folders away; else null.
 * @throws {LaunchError} class `crash`, naming the path.
 */
export function prepareMounts(spec: LaunchSpec, mounts: readonly Mount[], owner: User | null): void {
  for (const mount of mounts) {
    const isOurs = mount.persons !== true;
    withFolder(mount.source, isOurs, (folder) => {
      if (owner && (mount.owned || isOurs)) handOver(folder, mount.owned, owner);
    });
  }
  // Only a mount point: its source lies elsewhere, where nothing of the agent's stands in the path.
  withFolder(join(spec.paths.group, "inbox"), true, () => {});
}

/** Another user inside must be able to enter what the host keeps; who can get here is decided further up. */
function handOver(folder: number, owned: boolean, { uid, gid }: User): void {
  if (owned) fchownSync(folder, uid, gid);
  else fchmodSync(folder, 0o755);
}

function withFolder(path: string, mayMake: boolean, work: (folder: number) => void): void {
  if (mayMake && !lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true, mode: 0o755 });
  let folder: number;
  try {
    folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const detail = `${path} is no folder (${(error as Error).message}); remove it, it is made again at the next turn`;
    throw new LaunchError("crash", detail, { cause: error });
  }
  try {
    work(folder);
  } finally {
    closeSync(folder);
  }
}
