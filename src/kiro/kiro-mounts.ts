import { join } from "node:path";
import type { KiroMode } from "./kiro-mode.ts";
import { CONTAINER_HOME, linuxPlaces, type KiroPlaces } from "./kiro-places.ts";
import type { MountPoint } from "./mount-points.ts";

/** A mount beside those that every group has; one with the same target takes that one's place. */
export interface KiroMount {
  source: string;
  target: string;
  readonly: boolean;
  /** The user inside writes there: the host gives the folder to that user. */
  owned: boolean;
  /** It is the person's own folder: it is never made, and its mode stays. */
  persons: boolean;
}

export interface KiroMounts {
  mounts: KiroMount[];
  points: MountPoint[];
  /** What is left out, for log and doctor. */
  notes: string[];
}

export interface KiroMountFacts {
  mode: KiroMode;
  /** The person's own, with links resolved (`resolvedPlaces`). */
  places: KiroPlaces;
  /** What stands at a path of the person's, without following a link. */
  look(path: string): "folder" | "link" | "missing";
  /** `NANOCLAW_KIRO_AWS`. */
  aws: boolean;
  /** The group's home on the host, mounted at `/home/node`. */
  groupHome: string;
  /** Where the host puts the group's copy of the login. */
  sharedLogin: string;
}

const inside = linuxPlaces(CONTAINER_HOME);
/** Folders of `.kiro` that stay as the host made them, or in the shared home as the person did. */
export const FIXED = ["agents", "settings", "hooks"];
const nothing: KiroMounts = { mounts: [], points: [], notes: [] };

/** What a container sees of Kiro besides the group's own home. */
export function kiroMounts(facts: KiroMountFacts): KiroMounts {
  switch (facts.mode.kind) {
    case "api-key":
    case "none":
      return nothing;
    case "shared-login": {
      const mount = { source: facts.sharedLogin, target: inside.data, readonly: false, owned: true, persons: false };
      return { mounts: [mount], points: dataPoints(facts.groupHome), notes: [] };
    }
    case "owner-login":
      return ownerMounts(facts);
    case "shared-home":
      return sharedHomeMounts(facts);
    default:
      return facts.mode satisfies never;
  }
}

/** Kiro's data folder as a whole, since its log must lie beside the database; of the rest as little as can be. */
function ownerMounts({ places, look, aws, groupHome }: KiroMountFacts): KiroMounts {
  const notesOf = (name: string): Offered => ({
    source: join(places.kiro, name),
    target: join(inside.kiro, name),
    readonly: true,
    points: [[".kiro"], [".kiro", name]].map((parts) => ({ path: join(groupHome, ...parts), owned: true })),
  });
  const offered: Offered[] = [
    { source: places.data, target: inside.data, readonly: false, points: dataPoints(groupHome) },
    notesOf("steering"),
    notesOf("skills"),
  ];
  if (aws) offered.push({ source: places.aws, target: inside.aws, readonly: true, points: awsPoints(groupHome) });
  return offered.reduce((all, mount) => withFolder(all, mount, look), nothing);
}

/** The three that the switch is about, writable for every group. */
function sharedHomeMounts({ places, look, groupHome }: KiroMountFacts): KiroMounts {
  // The group's own agents, settings and hooks lie over the person's: nobody's kiro-cli runs what a group wrote.
  const overlaid = FIXED.map((name) => ({ path: join(places.kiro, name), owned: false }));
  const offered: Offered[] = [
    { source: places.kiro, target: inside.kiro, readonly: false, points: overlaid },
    { source: places.aws, target: inside.aws, readonly: false, points: awsPoints(groupHome) },
    { source: places.data, target: inside.data, readonly: false, points: dataPoints(groupHome) },
  ];
  return offered.reduce((all, mount) => withFolder(all, mount, look), nothing);
}

const awsPoints = (groupHome: string): MountPoint[] => [{ path: join(groupHome, ".aws"), owned: true }];

const dataPoints = (groupHome: string): MountPoint[] =>
  [[".local"], [".local", "share"], [".local", "share", "kiro-cli"]].map((parts) => {
    return { path: join(groupHome, ...parts), owned: true };
  });

interface Offered {
  source: string;
  target: string;
  readonly: boolean;
  points: MountPoint[];
}

function withFolder(all: KiroMounts, offered: Offered, look: KiroMountFacts["look"]): KiroMounts {
  const { source, target, readonly, points } = offered;
  const found = look(source);
  switch (found) {
    case "missing":
      return all;
    case "link":
      // Whoever could write there once, under the shared home, may have chosen where it leads.
      return {
        ...all,
        notes: [...all.notes, `${source} is a link and left out; a folder in its place would be mounted`],
      };
    case "folder": {
      const mount = { source, target, readonly, owned: !readonly, persons: true };
      const fresh = points.filter(({ path }) => !all.points.some((known) => known.path === path));
      return { ...all, mounts: [...all.mounts, mount], points: [...all.points, ...fresh] };
    }
    default:
      return found satisfies never;
  }
}

export interface HostHomeFacts {
  mode: KiroMode;
  personsHome: string;
  groupHome: string;
}

/** `HOME` of kiro-cli where it runs without a container. */
export function hostHome({ mode, personsHome, groupHome }: HostHomeFacts): string {
  return mode.kind === "owner-login" || mode.kind === "shared-home" ? personsHome : groupHome;
}
