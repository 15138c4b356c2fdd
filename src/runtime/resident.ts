import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../domain/clock.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { clearInputs, writeInput } from "./follow-up.ts";
import { createResidency, type Residency } from "./residency.ts";
import type { LaunchSpec, Running, Runtime } from "./runtime.ts";

export interface ResidentOptions {
  inner: Runtime;
  clock: Clock;
  log: Log;
  /** Residents at once, idle ones included. */
  limit: number;
  /** Milliseconds without a turn after which a resident is asked to leave. */
  idleTimeout(folder: Folder): number;
  /** Milliseconds it gets for that. */
  grace: number;
}

export interface ResidentRuntime extends Runtime {
  /** Ends the one of that group, when it is idle. Never rejects. */
  leave(folder: Folder): Promise<void>;
  /** Ends all that are idle; those that work are ended by their turns. Never rejects. */
  close(): Promise<void>;
}

/**
 * Long-lived mode: a group's runner stays after its answer, and the next turn of the group goes to
 * it by a file in `input/`. Each turn is still a run of its own to everybody else: it begins with a
 * `ready`, and is gone when its `closed` is followed by the next one.
 */
export function createResidentRuntime(options: ResidentOptions): ResidentRuntime {
  const { inner } = options;
  const residents = new Map<Folder, Residency>();

  const dismiss = async (folder: Folder, resident: Residency): Promise<void> => {
    residents.delete(folder);
    await resident.leave();
  };

  const settleIn = async (spec: LaunchSpec): Promise<Running> => {
    await makeRoom(residents, options.limit, dismiss);
    clearInputs(spec.paths.ipc);
    const running = await inner.launch(spec);
    const resident = createResidency({ ...options, running, fits: fitOf(spec), ipc: spec.paths.ipc });
    residents.set(spec.folder, resident);
    void running.exited.then(() => {
      if (residents.get(spec.folder) === resident) residents.delete(spec.folder);
    });
    return resident.firstTurn(() => void dismissWhenIdle(spec.folder, resident));
  };

  const dismissWhenIdle = async (folder: Folder, resident: Residency) => {
    await options.clock.sleep(options.idleTimeout(folder), resident.wanted());
    if (resident.isIdle()) await dismiss(folder, resident);
  };

  return {
    name: inner.name,
    launch: async (spec) => {
      const resident = residents.get(spec.folder);
      if (spec.oneShot) {
        if (resident) await dismiss(spec.folder, resident);
        return inner.launch(spec);
      }
      if (!resident) return settleIn(spec);
      if (!resident.isIdle() || resident.fits !== fitOf(spec)) {
        await dismiss(spec.folder, resident);
        return settleIn(spec);
      }
      const name = `${spec.turn}-${spec.attempt}.json`;
      return resident.nextTurn({
        give: (line) => writeInput(spec.paths.ipc, name, line),
        onOver: () => {
          rmSync(join(spec.paths.ipc, "input", name), { force: true });
          void dismissWhenIdle(spec.folder, resident);
        },
      });
    },
    // What an earlier host kept knows nothing of this one: it goes, and its turn is tried again.
    find: async (handle) => {
      const running = await inner.find(handle);
      running?.signal("KILL");
      await running?.exited;
      return undefined;
    },
    clear: async (handle) => {
      const isResident = [...residents.values()].some((resident) => resident.handle === handle);
      if (!isResident) await inner.clear(handle);
    },
    sweep: (keep) => inner.sweep(keep),
    leave: async (folder) => {
      const resident = residents.get(folder);
      if (resident?.isIdle()) await dismiss(folder, resident);
    },
    close: async () => {
      await Promise.all([...residents].map(([folder, resident]) => dismiss(folder, resident)));
    },
  };
}

/** A resident was started with these; a turn with others needs a new one. */
const fitOf = ({ zone, limits, mounts, agentHome }: LaunchSpec): string =>
  JSON.stringify([zone, limits, mounts, agentHome]);

async function makeRoom(
  residents: Map<Folder, Residency>,
  limit: number,
  dismiss: (folder: Folder, resident: Residency) => Promise<void>,
): Promise<void> {
  const idle = [...residents].filter(([, resident]) => resident.isIdle());
  const surplus = idle.slice(0, Math.max(0, residents.size + 1 - limit));
  await Promise.all(surplus.map(([folder, resident]) => dismiss(folder, resident)));
}
