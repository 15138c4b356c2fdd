import type { GroupDesk } from "../src/ipc/group-desk.ts";

/** For tests whose agents leave the groups alone. */
const time = { timeout: 1_800_000, silenceTimeout: 600_000, idleTimeout: 1_800_000 };

export const noGroupDesk: GroupDesk = {
  list: () => [],
  known: () => undefined,
  limits: { memory: 2 ** 31, cpus: 2, pids: 512, shm: 2 ** 28, fileSize: 2 ** 30, groupSize: 2 ** 31, ...time },
  register: () => ({ ok: false, problem: "no groups here" }),
  change: () => ({ ok: false, problem: "no groups here" }),
  remove: () => ({ ok: false, problem: "no groups here" }),
  changed: () => {},
  removed: () => {},
};
