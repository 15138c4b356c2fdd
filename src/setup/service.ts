import { connectHost } from "../cli/connection.ts";
import { openService } from "../cli/open-service.ts";
import type { ServiceStatus } from "../service/service.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";

export const serviceStep: Step = {
  name: "service",
  title: "The service: the host starts with this machine and stays",
  look,
  run,
};

async function look({ terminal, isRestartDue }: Setup): Promise<State> {
  const { kind, detail, cure, stale } = await openService(terminal).status();
  if (kind === "no-manager") {
    const instead = cure ?? "npm start runs the host in a terminal";
    return { kind: "impossible", detail, cure: instead };
  }
  if (kind !== "running" || stale) return { kind: "todo", detail };
  return isRestartDue() ? { kind: "todo", detail: "it runs with the settings before" } : { kind: "done", detail };
}

async function run(setup: Setup): Promise<Outcome> {
  const { ui, terminal, passing, config } = setup;
  const isWanted = !ui.ask || (await ui.ask.confirm("Install it, and start it?"));
  if (!isWanted) {
    return { status: "skipped", detail: "not now", cure: "npm start, or later: npm run nanoclaw -- service install" };
  }
  // It would only wait for the home.
  await passing.close();
  const service = openService(terminal);
  const before = await service.status();
  const other = before.kind === "running" ? undefined : await connectHost(config());
  ui.note(before.kind === "running" && !before.stale ? await service.restart() : await service.install());
  const after = await service.status();
  return outcomeOf(after, other !== undefined);
}

/** A host in a terminal keeps the home until it ends. */
function outcomeOf({ kind, detail, cure }: ServiceStatus, isBesideHost: boolean): Outcome {
  if (kind !== "running") {
    return {
      status: "failed",
      detail: `installed, but: ${detail}`,
      cure: cure ?? "npm run nanoclaw -- service status",
    };
  }
  const waits = isBesideHost ? ["it takes over when the host that runs in a terminal ends"] : [];
  // What is worth knowing of a service that runs, as that it ends when its user logs out.
  const note = cure === undefined ? [] : [`to change that: ${cure}`];
  return { status: "done", detail: [detail, ...note, ...waits].join("; ") };
}
