import { openService } from "../cli/open-service.ts";
import { lastErrors } from "../cli/service-look.ts";
import type { Service } from "../service/service.ts";
import type { Outcome } from "./outcome.ts";
import { isRestartDue } from "./restart-due.ts";
import { hostNow, untilServed } from "./served.ts";
import type { Setup, State, Step } from "./step.ts";

export const serviceStep: Step = {
  name: "service",
  title: "The service: the host starts by itself, at login or with this machine, and stays",
  look,
  run,
};

/** What a start by a busy machine takes. */
const PATIENCE_MS = 20_000;
const beside = "it takes over when the host that runs in a terminal ends";

async function look(setup: Setup): Promise<State> {
  const { kind, pid, detail, cure, stale } = await openService(setup.terminal).status();
  if (kind === "no-manager") {
    const instead = cure ?? "npm start runs the host in a terminal";
    return { kind: "impossible", detail, cure: instead };
  }
  if (kind !== "running" || stale) return { kind: "todo", detail };
  const host = await hostNow(setup);
  if (!host) return { kind: "todo", detail: "it runs, but does not answer yet" };
  if (host.pid !== pid) return { kind: "done", detail: `${detail}; ${beside}` };
  if (await isRestartDue(setup, host)) return { kind: "todo", detail: "it runs with the settings before" };
  return { kind: "done", detail };
}

async function run(setup: Setup): Promise<Outcome> {
  const { ui, terminal, passing } = setup;
  const service = openService(terminal);
  const { kind, pid, stale } = await service.status();
  const host = await hostNow(setup);
  const isThere = kind === "running" && !stale;
  // One that says nothing yet may be starting, or wait for the home that is ours.
  const order = !isThere ? "install" : host ? "restart" : undefined;
  const question = order === "restart" ? "Restart it?" : "Install it, and start it?";
  if (order && ui.ask && !(await ui.ask.confirm(question))) return notNow(order);
  await passing.close();
  if (order) ui.note(await service[order]());
  return outcomeOf(setup, service, host !== undefined && host.pid !== pid);
}

const notNow = (order: "install" | "restart"): Outcome => {
  const later = `npm run nanoclaw -- service ${order}`;
  return { status: "skipped", detail: "not now", cure: order === "install" ? `npm start, or later: ${later}` : later };
};

/** A host in a terminal keeps the home until it ends. */
async function outcomeOf(setup: Setup, service: Service, isBesideHost: boolean): Promise<Outcome> {
  const isServed = !isBesideHost && (await untilServed(setup, service, PATIENCE_MS));
  const { kind, detail, cure } = await service.status();
  if (kind !== "running") {
    const help = cure ?? "npm run nanoclaw -- service status";
    return { status: "failed", detail: `installed, but: ${detail}`, cure: help };
  }
  if (!isServed && !isBesideHost) return unanswered(setup, detail);
  const waits = isBesideHost ? [beside] : [];
  // What is worth knowing of a service that runs, as that it ends when its user logs out.
  const note = cure === undefined ? [] : [`to change that: ${cure}`];
  return { status: "done", detail: [detail, ...note, ...waits].join("; ") };
}

function unanswered({ terminal }: Setup, detail: string): Outcome {
  const errors = lastErrors(terminal.homePath());
  const said = errors.length > 0 ? `; it said last: ${errors.join(" / ")}` : "";
  const cure = "npm run nanoclaw -- service status  looks again; then: npm run nanoclaw -- service restart";
  return { status: "failed", detail: `it does not answer (${detail})${said}`, cure };
}
