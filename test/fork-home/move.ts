import { readFileSync, rmSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { homePaths, makeHome } from "../../src/home.ts";
import { moveFrom } from "../../src/moving-in/move-from.ts";
import type { MoveOptions } from "../../src/moving-in/move-settings.ts";
import { takeOverOldHome } from "../../src/moving-in/take-over.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { manualClock } from "../manual-clock.ts";
import { HOUR, makeForkHome, type ForkHome, type ForkHomeOptions } from "./fork-home.ts";

export interface Moving {
  env?: Record<string, string>;
  now?: number;
  checkpoint?: MoveOptions["checkpoint"];
}

/** As a start or a command makes them for a home. */
export function moveOptions(root: string, { env = {}, now = HOUR + 3_600_000, checkpoint }: Moving = {}) {
  const config = loadConfig({ env: { TZ: "Europe/Berlin", ...env, NANOCLAW_HOME: root }, defaultHome: root });
  const home = homePaths(config.home);
  makeHome(home);
  return { home, config, clock: manualClock(now), personsHome: root, env, ...(checkpoint && { checkpoint }) };
}

export interface Taken extends Disposable {
  moved: boolean;
  store: Store;
  report: string;
  backup: string;
  summary: string;
}

/** Takes a home over, or moves another one there, and opens what there is then. */
export async function takeOver(root: string, moving: Moving & { from?: string } = {}): Promise<Taken> {
  const options = moveOptions(root, moving);
  const { from } = moving;
  const moved = from === undefined ? await takeOverOldHome(options) : await moveFrom({ ...options, from });
  const store = openStore(options.home.database);
  return {
    moved: moved !== undefined,
    store,
    report: moved ? readFileSync(moved.report, "utf8") : "",
    backup: moved?.backup ?? "",
    summary: moved?.summary ?? "",
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** Homes that go when a test file is through. */
export function forkHomes(): { make(options?: ForkHomeOptions): ForkHome; keep(root: string): string } & Disposable {
  const roots: string[] = [];
  const keep = (root: string): string => {
    roots.push(root);
    return root;
  };
  return {
    keep,
    make: (options = {}) => {
      const home = makeForkHome(options);
      keep(home.root);
      return home;
    },
    [Symbol.dispose]: () => {
      for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
