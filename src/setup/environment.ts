import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../config.ts";
import type { State, Step } from "./step.ts";

const GIB = 2 ** 30;
/** An image with Kiro in it, and what building it takes. */
const IMAGE_BYTES = 4 * GIB;

export interface EnvironmentFacts {
  platform: NodeJS.Platform;
  node: string;
  zone: string;
  home: string;
  isRoot: boolean;
  /** Why the home cannot be written. */
  locked: string | undefined;
  freeBytes: number;
  neededBytes: number;
}

/** Whether NanoClaw can work here at all. */
export function judgeEnvironment(facts: EnvironmentFacts): State {
  const { platform, home, locked, freeBytes, neededBytes } = facts;
  if (locked !== undefined) {
    const cure = `sudo chown -R "$USER" '${home}', or set NANOCLAW_HOME to a folder of yours`;
    return { kind: "impossible", detail: `the home ${home} cannot be written: ${locked}`, cure };
  }
  if (freeBytes < neededBytes) {
    const detail = `only ${gib(freeBytes)} GiB are free on the disk of ${home}; turns need ${gib(neededBytes)}`;
    const cure = "make room there (du -xh -d 2 . | sort -h shows what takes it), or lower NANOCLAW_FREE_DISK";
    return { kind: "impossible", detail, cure };
  }
  const notes = [
    ...(platform === "linux" || platform === "darwin" ? [] : [`${platform} was never tried`]),
    ...(facts.isRoot ? ["you are root: better run it as an ordinary user"] : []),
    ...(freeBytes < IMAGE_BYTES ? ["little room for the container image, which needs about 4 GiB to build"] : []),
  ];
  const all = [`Node ${facts.node}`, `home ${home}`, `${gib(freeBytes)} GiB free`, `time zone ${facts.zone}`, ...notes];
  return { kind: "done", detail: all.join("; ") };
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);

export const environmentStep: Step = {
  name: "environment",
  title: "This machine",
  look: ({ config }) => Promise.resolve(judgeEnvironment(factsOf(config()))),
  run: () => Promise.reject(new Error("There is nothing to do.")),
};

/** Of a home that setup cannot even take for itself, for the reason given. */
export const judgeClosedHome = (config: Config, reason: string): State => {
  const facts = factsOf(config);
  return judgeEnvironment({ ...facts, locked: facts.locked ?? reason });
};

function factsOf({ home, settings, zone }: Config): EnvironmentFacts {
  const { bavail, bsize } = statfsSync(existing(home));
  return {
    ...{ home, zone, platform: process.platform, node: process.version, isRoot: process.getuid?.() === 0 },
    locked: whyLocked(home),
    freeBytes: bavail * bsize,
    neededBytes: settings.NANOCLAW_FREE_DISK,
  };
}

/** The folder itself, or the next one above it that is there. */
const existing = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : existing(dirname(path));

function whyLocked(home: string): string | undefined {
  try {
    accessSync(existing(home), constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
