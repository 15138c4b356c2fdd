import { findHost, type RunningHost } from "../cli/service-look.ts";
import { openService, platformHere } from "../cli/open-service.ts";
import { CommandError } from "../cli/outcome.ts";
import { systemClock } from "../clock.ts";
import { readLaunchdFile } from "../service/launchd-file.ts";
import { readIfThere } from "../service/service-file.ts";
import type { Service } from "../service/service.ts";
import { readSystemdFile } from "../service/systemd-file.ts";
import type { Setup } from "./step.ts";
import { Cancelled } from "./ui.ts";

export interface HostNow extends RunningHost {
  /** What answers the local chat. */
  agent: string;
}

/** The host that answers in the home, unless it is the one that setup is for the moment. */
export async function hostNow({ terminal }: Pick<Setup, "terminal">): Promise<HostNow | undefined> {
  const host = (await findHost(terminal.homePath())) as HostNow | undefined;
  return host?.pid === process.pid ? undefined : host;
}

const LOOK_MS = 250;

/** Waits until the host that answers is the service; false: it was none for that long. */
export async function untilServed(setup: Setup, service: Service, patienceMs: number): Promise<boolean> {
  const { terminal, ui } = setup;
  for (const since = systemClock.monotonic(); ; await systemClock.sleep(LOOK_MS, terminal.interrupted)) {
    if (terminal.interrupted.aborted) throw new Cancelled();
    const host = await hostNow(setup);
    if (host && host.pid === (await service.status()).pid) return true;
    if (systemClock.monotonic() - since >= patienceMs) return false;
    ui.progress("waiting until the service answers …");
  }
}

/** The service that runs for this home; one user has one, perhaps for another home. */
export async function runningService({ terminal }: Setup): Promise<Service | undefined> {
  try {
    const service = openService(terminal);
    const isOurs = isFor(terminal.homePath(), service.file.path);
    return isOurs && (await service.status()).kind === "running" ? service : undefined;
  } catch (error) {
    if (error instanceof CommandError) return undefined; // nothing manages services here
    throw error;
  }
}

function isFor(home: string, path: string): boolean {
  const content = readIfThere(path);
  const read = platformHere() === "macos" ? readLaunchdFile : readSystemdFile;
  return content !== undefined && (read(content).env["NANOCLAW_HOME"] ?? home) === home;
}
