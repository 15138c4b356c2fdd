import { homedir } from "node:os";
import type { Config } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import type { Group } from "./domain/group.ts";
import { MAIN, type Folder } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import type { Home } from "./home.ts";
import { agentName, writeAgent, type AgentPlace } from "./kiro-agent.ts";
import { closedTo, handOverFolder, handOverLogin } from "./kiro/hand-over.ts";
import { createLogins, type GiveBack, type Logins } from "./kiro/hold-login.ts";
import { kiroMode, type KiroMode } from "./kiro/kiro-mode.ts";
import { FIXED, hostHome, kiroMounts, type KiroMounts } from "./kiro/kiro-mounts.ts";
import { personsPlaces, type KiroPlaces } from "./kiro/kiro-places.ts";
import { createLease } from "./kiro/lease.ts";
import { isLoginKey, isLoginState } from "./kiro/login-rows.ts";
import { loginState } from "./kiro/login-state.ts";
import { lookAt, makeMountPoints, resolvedPlaces } from "./kiro/mount-points.ts";
import type { PersonsAgent } from "./kiro/agent-file.ts";
import { readPersonsAgent, type ReadAgent } from "./kiro/read-agent.ts";
import { createSharedLogin } from "./kiro/shared-login.ts";
import { makeSharedLoginFolders, sharedLoginPaths, type Owner } from "./kiro/shared-login-files.ts";
import { LaunchError, type GroupPaths } from "./runtime/runtime.ts";
import { kiroFiles, type KiroFiles } from "./store/kiro-files.ts";
import type { Store } from "./store/store.ts";
import { offlineNeeds, type AgentNeeds, type AgentSupply } from "./turns/agent-needs.ts";
import type { Work } from "./turns/work.ts";

export interface KiroSupplyOptions {
  config: Config;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
  store: Store;
  home: Home;
  /** Where Kiro's turns run. */
  runtime: "docker" | "host";
  /** The user inside, where the host may give files to that user; else null. */
  owner: Owner | null;
  /** Programs in the image: names and full paths. */
  programs(): Promise<ReadonlySet<string>>;
}

export interface KiroSupply extends AgentSupply {
  /**
   * For a group that an earlier host left at work: nobody else gets the login, and nothing is taken
   * back, until what is left of that work is gone.
   */
  keepFor(folder: Folder, until: Promise<unknown>): void;
  /** After all of these were named, and before any new turn: takes back what a crash had lent to others. */
  recover(): Promise<void>;
}

/** What the parts below share. */
interface Kiro extends KiroSupplyOptions {
  persons: KiroPlaces;
  files: KiroFiles;
  logins: Logins;
  sharedLogin(folder: Folder): string;
  /** Notes that were logged already. */
  told: Set<string>;
}

/** The person's Kiro on this machine, as far as it is read at a start. */
export interface PersonsKiro {
  places: KiroPlaces;
  files: KiroFiles;
}

/** @param scratch a folder that only we write, for private copies of the person's database. */
export function personsKiro(env: NodeJS.ProcessEnv, scratch: string): PersonsKiro {
  const places = resolvedPlaces(personsPlaces({ platform: process.platform, env, home: env["HOME"] ?? homedir() }));
  return { places, files: kiroFiles({ person: places.database, scratch, isLoginKey, isLoginState }) };
}

/** Makes what the host needs to look at logins; returns the scratch folder. */
export function prepareLoginFolders(home: Home): string {
  const paths = sharedLoginPaths(home.kiroLogins);
  makeSharedLoginFolders(paths);
  return paths.scratch;
}

/** What turns of Kiro need: credentials as the group may have them, its agent, its notes. */
export function createKiroSupply(options: KiroSupplyOptions & { person: PersonsKiro }): KiroSupply {
  const { home, person } = options;
  const paths = sharedLoginPaths(home.kiroLogins);
  const shared = createSharedLogin({ ...options, paths, store: person.files });
  const kiro: Kiro = {
    ...options,
    persons: person.places,
    files: person.files,
    logins: createLogins({ lease: createLease(), shared }),
    sharedLogin: paths.folder,
    told: new Set(),
  };
  const offline = offlineNeeds(options.config.settings.ASSISTANT_NAME);
  const atWork = new Set<Folder>();
  return {
    prepare: (work, stop) => (work.agent === "kiro" ? prepareKiro(kiro, work, stop) : Promise.resolve(offline)),
    // Its input was written, and its login is kept for it.
    takeUp: () => Promise.resolve(offline),
    keepFor: (folder, until) => {
      const group = kiro.store.groups.find(folder);
      if (!group) return;
      const giveBack = kiro.logins.adopt(folder, modeOf(kiro, group));
      atWork.add(folder);
      void until.then(giveBack, giveBack);
    },
    recover: () => kiro.logins.recover(atWork),
  };
}

async function prepareKiro(kiro: Kiro, work: Work, stop: AbortSignal): Promise<AgentNeeds> {
  const { home, runtime, persons } = kiro;
  const mode = modeOf(kiro, work.group);
  if (mode.kind === "none") throw waiting(mode.why, mode.cure.replaceAll("<folder>", work.turn.folder));
  const read = readPersonsAgent(persons, kiro.config.settings.KIRO_AGENT_NAME);
  const programs = runtime === "docker" && mayHaveServers(read.agent) ? await kiro.programs() : new Set<string>();
  const giveBack = await held(kiro, work.turn.folder, mode, stop);
  try {
    const paths = home.group(work.turn.folder);
    const { mounts } = runtime === "docker" ? prepareMounts(kiro, paths, mode, work.turn.folder) : { mounts: [] };
    const agentHome = hostHome({ mode, personsHome: persons.home, groupHome: paths.home });
    const { compileCache } = home;
    const place: AgentPlace = { ...kiro, compileCache, paths, home: agentHome, mounts, programs };
    return needsOf(kiro, work, { mode, place, read, giveBack });
  } catch (error) {
    await giveBack();
    throw error;
  }
}

interface Prepared {
  mode: KiroMode;
  place: AgentPlace;
  read: ReadAgent;
  giveBack: GiveBack;
}

/** Asking the image for its programs costs a container. */
const mayHaveServers = ({ config, mcpJson }: PersonsAgent): boolean => config !== undefined || mcpJson !== undefined;

function needsOf(kiro: Kiro, work: Work, { mode, place, read, giveBack }: Prepared): AgentNeeds {
  const { settings } = kiro.config;
  const { agent: person, notes } = read;
  const usesKey = mode.kind === "api-key" || mode.kind === "shared-home";
  return {
    mounts: place.mounts,
    home: place.home,
    agent: {
      ...{ backend: "kiro", assistantName: settings.ASSISTANT_NAME, name: agentName(place, person) },
      model: work.group.settings.model ?? settings.KIRO_MODEL ?? null,
      sharedStore: mode.kind === "shared-home",
    },
    secrets: usesKey && settings.KIRO_API_KEY !== undefined ? { KIRO_API_KEY: settings.KIRO_API_KEY } : {},
    oneShot: mode.kind === "shared-login" || (mode.kind === "owner-login" && isLoginShared(kiro)),
    beforeInput: () => {
      const found = writeAgent(work, place, person, settings.ASSISTANT_NAME);
      tell(kiro, work.turn.folder, [...notes, ...found]);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: giveBack,
  };
}

function modeOf({ config: { settings }, runtime, files, store }: Kiro, group: Group): KiroMode {
  const { folder } = group;
  return kiroMode({
    apiKey: settings.KIRO_API_KEY !== undefined,
    sharedHome: settings.NANOCLAW_KIRO_SHARED_HOME,
    runtime,
    main: folder === MAIN,
    shareLogin: group.settings.shareLogin === true,
    sendersTrusted: store.groups.chatsOf(folder).every(({ senders }) => senders !== "everyone"),
    // A login that cannot be read is no logout: holding it says what is wrong.
    loginSeen: loginState(files.readLogin).kind !== "logged-out",
  });
}

/** While some group gets copies, nobody may hold the login between turns. */
const isLoginShared = ({ store }: Kiro): boolean =>
  store.groups.list().some(({ settings }) => settings.shareLogin === true);

/** @throws {LaunchError | unknown} the signal's reason when the turn is ended meanwhile. */
async function held({ logins }: Kiro, folder: Folder, mode: KiroMode, stop: AbortSignal): Promise<GiveBack> {
  const hold = await logins.hold(folder, mode, stop);
  switch (hold.kind) {
    case "held":
      return hold.giveBack;
    case "logged-out":
      throw new LaunchError("logged-out", "Kiro is logged out on this machine");
    case "unusable":
      throw waiting(`Kiro's login cannot be used now: ${hold.problem}`, "npm run nanoclaw -- doctor says more.");
    default:
      return hold satisfies never;
  }
}

/** The turn waits, and is tried again by itself. */
function waiting(why: string, cure: string): LaunchError {
  const error = new LaunchError("logged-out", why);
  error.say = `${why}. ${cure}`;
  return error;
}

/** @throws {LaunchError} when something stands where a mount belongs. */
function prepareMounts(kiro: Kiro, paths: GroupPaths, mode: KiroMode, folder: Folder): KiroMounts {
  const { persons, config, owner } = kiro;
  const made = kiroMounts({
    ...{ mode, places: persons, look: lookAt, aws: config.settings.NANOCLAW_KIRO_AWS },
    groupHome: paths.home,
    sharedLogin: kiro.sharedLogin(folder),
  });
  const problem = makeMountPoints(made.points, owner);
  if (problem !== undefined) throw new LaunchError("crash", problem);
  if (owner) handOver(persons, mode, owner);
  tell(kiro, folder, owner ? [...made.notes, ...closedNotes(made, owner)] : made.notes);
  return made;
}

function handOver(persons: KiroPlaces, { kind }: KiroMode, owner: Owner): void {
  if (kind !== "owner-login" && kind !== "shared-home") return;
  handOverLogin(persons.data, owner);
  if (kind === "owner-login") return;
  handOverFolder(persons.kiro, owner, FIXED);
  handOverFolder(persons.aws, owner);
}

/** What is only shown stays the person's, with the mode they gave it. */
function closedNotes({ mounts }: KiroMounts, owner: Owner): string[] {
  return mounts.flatMap(({ source, persons, readonly }) => {
    const path = persons && readonly ? closedTo(owner, source) : undefined;
    return path === undefined
      ? []
      : [`${path} cannot be read by the agent's user (${owner.uid}); run NanoClaw as yourself and not as root`];
  });
}

/** Once each: they are the same before every turn. */
function tell({ log, told }: Kiro, folder: Folder, notes: readonly string[]): void {
  for (const note of notes) {
    const key = `${folder} ${note}`;
    if (!told.has(key)) log.warn({ group: folder, note }, "Of the agent's settings something is left out");
    told.add(key);
  }
}
