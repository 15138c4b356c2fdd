import { isRestartDue } from "./restart-due.ts";
import { hostNow, runningService } from "./served.ts";
import type { Outcome, StepName } from "./outcome.ts";
import type { Setup } from "./step.ts";
import type { Result } from "./ui.ts";

/** What follows from what was done, and no step of this run saw to. */
export async function leftToDo(setup: Setup, results: readonly Result[]): Promise<string[]> {
  const is = (name: StepName, status: Outcome["status"]) =>
    results.some(({ step, outcome }) => step === name && outcome.status === status);
  const isLinked = is("whatsapp", "done") && setup.config().settings.NANOCLAW_WHATSAPP !== "off";
  return [
    ...(is("kiro", "skipped") && isLinked ? [unanswered] : []),
    ...(is("service", "done") ? [] : await restartWords(setup)),
  ];
}

const unanswered =
  "On WhatsApp nobody answers without Kiro: npm run nanoclaw -- setup --only kiro, or for reminders alone: npm run nanoclaw -- groups set main --agent offline";

async function restartWords(setup: Setup): Promise<string[]> {
  const host = await hostNow(setup);
  if (!host || !(await isRestartDue(setup, host))) return [];
  const service = await (await runningService(setup))?.status();
  const how =
    service?.pid === host.pid ? "npm run nanoclaw -- service restart" : "Ctrl-C where it runs, then npm start";
  return [`The host that runs (process ${host.pid}) does not know all of this yet; restart it: ${how}`];
}
