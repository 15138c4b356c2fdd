import type { Config } from "./config.ts";
import { GroupError } from "./control/group-error.ts";
import { groupOperations } from "./control/groups.ts";
import type { Clock } from "./domain/clock.ts";
import type { Folder } from "./domain/ids.ts";
import type { DeskOutcome, GroupDesk } from "./ipc/group-desk.ts";
import type { Store } from "./store/store.ts";

export interface GroupDeskOptions {
  store: Store;
  clock: Clock;
  config: Config;
  /** Groups of the network that the account is in; undefined when nobody can tell now. */
  known(): readonly { jid: string; name: string }[] | undefined;
  changed(): void;
  stopGroup(folder: Folder): unknown;
}

/** What an agent's requests may do with groups; the same operations as the control API's. */
export function createGroupDesk({ store, clock, config, known, changed, stopGroup }: GroupDeskOptions): GroupDesk {
  const { settings } = config;
  const operations = groupOperations(store, clock);
  return {
    ...{ known, changed, list: operations.list },
    limits: {
      memory: settings.CONTAINER_MEMORY,
      cpus: settings.CONTAINER_CPUS,
      pids: settings.CONTAINER_PIDS,
      shm: settings.CONTAINER_SHM_SIZE,
      fileSize: settings.CONTAINER_FILE_SIZE,
      groupSize: settings.NANOCLAW_GROUP_SIZE,
      timeout: settings.CONTAINER_TIMEOUT,
      silenceTimeout: settings.NANOCLAW_SILENCE_TIMEOUT,
      idleTimeout: settings.IDLE_TIMEOUT,
    },
    register: ({ settings: own, ...request }) =>
      outcome(() => operations.add({ ...request, ...(own && { settings: own }) })),
    change: (folder, request) => outcome(() => operations.set(folder, request)),
    remove: (folder) => outcome(() => operations.remove(folder)),
    removed: (folder) => {
      stopGroup(folder);
      changed();
    },
  };
}

function outcome(work: () => Extract<DeskOutcome, { ok: true }>["group"]): DeskOutcome {
  try {
    return { ok: true, group: work() };
  } catch (error) {
    if (error instanceof GroupError) return { ok: false, problem: error.message };
    throw error;
  }
}
