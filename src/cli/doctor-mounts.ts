import { homedir } from "node:os";
import type { Config } from "../config.ts";
import type { GroupView } from "../control/groups.ts";
import type { KiroPlaces } from "../kiro/kiro-places.ts";
import { lookAtMounts } from "../runtime/extra-mounts.ts";
import type { Check } from "./check.ts";

export interface MountsQuestion {
  config: Config;
  env: NodeJS.ProcessEnv;
  groups: readonly GroupView[];
  places: KiroPlaces;
  runtime: "docker" | "host";
}

/** The folders that groups ask for, as their next turns would get them. */
export function checkMounts({ config, env, groups, places, runtime }: MountsQuestion): Check[] {
  const home = env["HOME"] ?? homedir();
  const closed = [config.home, places.data, places.kiro, places.aws];
  const asking = groups.filter(({ settings }) => (settings.mounts ?? []).length > 0);
  return asking.map(({ folder, settings }): Check => {
    const name = `mounts ${folder}`;
    const { mounts, problems } = lookAtMounts({
      ...{ folder, asked: settings.mounts ?? [], groups, runtime, home, closed },
    });
    const shown = mounts.map((mount) => `${mount.source} (${mount.readonly ? "read-only" : "writable"})`).join(", ");
    if (problems.length === 0) return { name, state: "ok", detail: shown };
    const detail = problems.map(({ hostPath, problem }) => `${hostPath}: ${problem}`).join("; ");
    return { name, state: "wrong", detail, cure: "docs/groups.md, under: Folders of yours" };
  });
}
