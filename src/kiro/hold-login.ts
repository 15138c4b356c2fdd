import type { Folder } from "../domain/ids.ts";
import type { KiroMode } from "./kiro-mode.ts";
import type { Lease } from "./lease.ts";
import type { SharedLogin } from "./shared-login.ts";

/** Ends what a run had of the login; to be called when its container is gone. Never rejects; may be repeated. */
export type GiveBack = () => Promise<void>;

export type LoginHold =
  { kind: "held"; giveBack: GiveBack } | { kind: "logged-out" } | { kind: "unusable"; problem: string };

export interface Logins {
  /**
   * Before a launch. Waits for its turn: refresh tokens rotate, so that two runs with copies of one
   * login would log each other out, main's own included.
   * @throws the signal's reason.
   */
  hold(group: Folder, mode: KiroMode, signal?: AbortSignal): Promise<LoginHold>;
  /** The same for a run that an earlier host began and that is still alive: at once. */
  adopt(group: Folder, mode: KiroMode): GiveBack;
  /**
   * Once at start, when every container that nobody sees through is gone and before any new run:
   * takes back what a host that died had lent.
   */
  recover(alive: ReadonlySet<Folder>): Promise<void>;
}

export function createLogins({ lease, shared }: { lease: Lease; shared: SharedLogin }): Logins {
  const giveBack = (group: Folder, mode: KiroMode, held: Disposable): GiveBack => {
    let ended: Promise<void> | undefined;
    // What was lent is noted with whether it may come back; settings that changed since can only forbid it.
    const end = async () => {
      await shared.takeBack(group, { writeBack: mode.kind !== "shared-login" || mode.writeBack });
      held[Symbol.dispose]();
    };
    return () => (ended ??= end());
  };

  return {
    adopt: (group, mode) =>
      usesLogin(mode) || shared.lentTo().includes(group) ? giveBack(group, mode, lease.join()) : nothing,
    recover: async (alive) => {
      // Whose run ended is known only by the record: whether its members are trusted stands there, too.
      for (const group of shared.lentTo()) if (!alive.has(group)) await shared.takeBack(group, { writeBack: true });
    },
    hold: async (group, mode, signal) => {
      if (!usesLogin(mode)) return { kind: "held", giveBack: nothing };
      const held = await lease.acquire(signal);
      if (mode.kind === "owner-login") return { kind: "held", giveBack: giveBack(group, mode, held) };
      const lent = await lend(shared, group, mode);
      if (lent.kind === "lent") return { kind: "held", giveBack: giveBack(group, mode, held) };
      held[Symbol.dispose]();
      return lent;
    },
  };
}

/** With an API key nothing rotates; in the shared home all runs use one file, and Kiro's own locks. */
const usesLogin = (mode: KiroMode): mode is Extract<KiroMode, { kind: "owner-login" | "shared-login" }> =>
  mode.kind === "owner-login" || mode.kind === "shared-login";

const nothing: GiveBack = () => Promise.resolve();

async function lend(shared: SharedLogin, group: Folder, options: { writeBack: boolean }) {
  try {
    return await shared.lend(group, options);
  } catch (error) {
    return { kind: "unusable", problem: (error as Error).message } as const;
  }
}
