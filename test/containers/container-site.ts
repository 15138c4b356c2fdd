import { homePaths, installId } from "../../src/home.ts";
import { openSite, type Site, type SiteOptions } from "../system/site.ts";
import { until } from "../system/until.ts";
import type { TestEngine } from "./engine.ts";

/** A host whose turns run in containers of an engine, and what they leave is removed with it. */
export interface ContainerSite extends AsyncDisposable {
  site: Site;
  install: string;
  /** Waits until a turn's container of this home runs; to its name. */
  container(): Promise<string>;
  /** Waits until the engine has none of this home, in any state. */
  untilNone(): Promise<void>;
}

/** Turns run as the file `way` in the group's folder says, or with the delivered image. */
export async function openContainerSite(engine: TestEngine, options: SiteOptions = {}): Promise<ContainerSite> {
  const image = options.settings?.["NANOCLAW_AGENT_IMAGE"] ?? (await engine.ways());
  // Nothing here stops by itself when the test is over: the host need not wait for it.
  const settings = { NANOCLAW_STOP_BUDGET: "2000", ...engine.settings(image), ...options.settings };
  const site = await openSite({ ...options, settings });
  const install = installId(homePaths(site.config.home));
  return {
    site,
    install,
    container: async () => {
      let found: string[] = [];
      const mine = `--filter=label=com.nanoclaw.install=${install}`;
      await until(async () => {
        found = (await engine.run("ps", mine, "--format={{.Names}}")).split("\n").filter(Boolean);
        return found.length > 0;
      });
      return found[0] as string;
    },
    untilNone: () => until(async () => (await engine.containersOf(install)).length === 0),
    [Symbol.asyncDispose]: async () => {
      await site.stop();
      await engine.removeAll(install);
      await site[Symbol.asyncDispose]();
    },
  };
}
