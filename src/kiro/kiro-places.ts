import { isAbsolute, join } from "node:path";

/** Where a Kiro has its things. */
export interface KiroPlaces {
  home: string;
  /** `~/.kiro`: agents, settings, steering, skills, V2's and V3's sessions. */
  kiro: string;
  /** The folder of `data.sqlite3`: the login and V1's conversations. */
  data: string;
  database: string;
  aws: string;
}

export interface PlacesFacts {
  platform: NodeJS.Platform;
  /** Of the person's own shell, as far as the host sees it. */
  env: Readonly<Record<string, string | undefined>>;
  /** The person's home folder. */
  home: string;
}

/** Where the person's own Kiro lives on this machine. */
export function personsPlaces({ platform, env, home }: PlacesFacts): KiroPlaces {
  const shared = absolute(env["XDG_DATA_HOME"]) ?? join(home, ".local", "share");
  const data =
    platform === "darwin" ? join(home, "Library", "Application Support", "kiro-cli") : join(shared, "kiro-cli");
  return places(home, absolute(env["KIRO_HOME"]) ?? join(home, ".kiro"), data);
}

/** Where Kiro has them inside a container, or below a home that we give it: always as on Linux. */
export const linuxPlaces = (home: string): KiroPlaces =>
  places(home, join(home, ".kiro"), join(home, ".local", "share", "kiro-cli"));

export const CONTAINER_HOME = "/home/node";

const places = (home: string, kiro: string, data: string): KiroPlaces => ({
  home,
  kiro,
  data,
  database: join(data, "data.sqlite3"),
  aws: join(home, ".aws"),
});

/** The XDG rules: a relative path counts as none. */
const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined;
