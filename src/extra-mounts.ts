import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { AgentName } from "./domain/agent-choice.ts";
import type { Clock } from "./domain/clock.ts";
import { randomName, type Folder } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import { judge } from "./domain/rights.ts";
import type { Home } from "./home.ts";
import type { KiroPlaces } from "./kiro/kiro-places.ts";
import { lookAtMounts, type ExtraMount, type MountProblem } from "./runtime/extra-mounts.ts";
import type { Mount } from "./runtime/runtime.ts";
import type { Store } from "./store/store.ts";
import type { AgentSupply } from "./turns/agent-needs.ts";
import type { Work } from "./turns/work.ts";
import { tellOnce } from "./whatsapp-ledger-tell.ts";

export interface ExtraMountsOptions {
  env: NodeJS.ProcessEnv;
  home: Home;
  store: Store;
  clock: Clock;
  log: Log;
  /** The person's Kiro. */
  places: KiroPlaces;
  runtimeOf(agent: AgentName): "docker" | "host";
  /** A notice was written. */
  onOutbox(): void;
}

/** What an agent needs, and the folders that its group may see; a refused one does not keep a run from going on. */
export function withExtraMounts<Supply extends AgentSupply>(supply: Supply, options: ExtraMountsOptions): Supply {
  return {
    ...supply,
    prepare: async (work, stop) => {
      const needs = await supply.prepare(work, stop);
      try {
        return { ...needs, mounts: [...needs.mounts, ...mountsFor(options, work)] };
      } catch (error) {
        await needs[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

function mountsFor(options: ExtraMountsOptions, { group, agent }: Work): Mount[] {
  const asked = group.settings.mounts ?? [];
  const { env, home, places, store } = options;
  if (asked.length === 0) {
    tellNew(options, group.folder, []);
    return [];
  }
  const { mounts, problems } = lookAtMounts({
    ...{ folder: group.folder, asked, runtime: options.runtimeOf(agent), home: env["HOME"] ?? homedir() },
    ...{ groups: store.groups.list(), closed: closedTo(home, places) },
  });
  tellNew(options, group.folder, problems);
  if (mounts.length === 0) return [];
  makePoints(home.extraPoints(group.folder), mounts);
  return asMounts(home, group.folder, mounts);
}

export const closedTo = ({ root }: Pick<Home, "root">, { data, kiro, aws }: KiroPlaces): string[] => [
  root,
  data,
  kiro,
  aws,
];

/** The folder of mount points is the host's own: inside, nothing can be put in the place of one. */
function asMounts(home: Home, folder: Folder, extra: readonly ExtraMount[]): Mount[] {
  const actor = { kind: "agent", folder } as const;
  const writes = judge({ actor, action: "write_global_notes", chat: { folder, held: false } }).allowed;
  const target = "/workspace/extra";
  return [
    { source: home.extraPoints(folder), target, readonly: true, owned: false },
    { source: home.group(folder).extra, target: `${target}/shared`, readonly: !writes, owned: writes },
    ...extra.map(({ source, name, readonly }) => {
      return { source, target: `${target}/${name}`, readonly, owned: false, persons: true };
    }),
  ];
}

function makePoints(folder: string, mounts: readonly ExtraMount[]): void {
  const wanted = ["shared", ...mounts.map(({ name }) => name)];
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(folder)) if (!wanted.includes(name)) rmdirSync(join(folder, name));
  for (const name of wanted) mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
}

const toldSchema = z.array(z.string());

/** What stands is told once; what was put right in between, once more. */
function tellNew(options: ExtraMountsOptions, folder: Folder, problems: readonly MountProblem[]): void {
  const { settings } = options.store;
  const key = `mounts-told/${folder}`;
  const before = settings.get(key) ?? "[]";
  const told = toldSchema.parse(JSON.parse(before));
  const name = ({ hostPath, problem }: MountProblem) => `${hostPath}: ${problem}`;
  for (const problem of problems) if (!told.includes(name(problem))) tell(options, folder, problem);
  const now = JSON.stringify(problems.map(name));
  if (now !== before) settings.set(key, now);
}

/** Its path is the owner's affair, not the group's. */
function tell(options: ExtraMountsOptions, folder: Folder, { hostPath, problem }: MountProblem): void {
  const text = `The folder ${hostPath} for the group "${folder}": ${problem}.`;
  tellOnce(options, `mount/${folder}/${hostPath}/${problem}/${randomName(16)}`, text);
}
