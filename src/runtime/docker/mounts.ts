import { lchownSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { MAIN } from "../../domain/ids.ts";
import { LaunchError, type LaunchSpec } from "../runtime.ts";

export interface Mount {
  source: string;
  target: string;
  readonly: boolean;
  /** The user inside writes there: the host gives the folder to that user. */
  owned: boolean;
}

/**
 * What a turn of this group sees of the host. Folders inside a writable one that must stay as the
 * host made them (`.kiro`, `inbox`, the exchange folders) are mounts of their own: a mount point
 * cannot be renamed or replaced from inside.
 */
export function mountsOf({ folder, paths }: LaunchSpec): Mount[] {
  const isMain = folder === MAIN;
  const shared = (source: string, target: string): Mount => ({ source, target, readonly: !isMain, owned: isMain });
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
  ];
}

/**
 * Makes what is missing and looks at what is there: a mount of something else than a folder of
 * ours would show the agent what it must not see.
 * @param owner the user inside, when the host may give folders away; else null.
 * @throws {LaunchError} class `crash`, naming the path.
 */
export function prepareMounts(
  spec: LaunchSpec,
  mounts: readonly Mount[],
  owner: { uid: number; gid: number } | null,
): void {
  for (const { source, owned } of mounts) {
    makeFolder(source);
    if (owned && owner) lchownSync(source, owner.uid, owner.gid);
  }
  // Only a mount point: its source lies elsewhere, where nothing of the agent's stands in the path.
  makeFolder(join(spec.paths.group, "inbox"));
}

function makeFolder(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true, mode: 0o755 });
  if (!lstatSync(path).isDirectory()) {
    throw new LaunchError("crash", `${path} is no folder; remove it, it is made again at the next turn`);
  }
}
