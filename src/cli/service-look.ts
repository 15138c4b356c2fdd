import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { homePaths } from "../home.ts";
import type { Service, ServiceStatus } from "../service/service.ts";
import { ask, connectHost } from "./connection.ts";
import { columns, safeForTerminal } from "./display.ts";
import { CommandError } from "./outcome.ts";

export interface RunningHost {
  pid: number;
  startedAt: number;
}

/** The host that answers in a home, whoever started it. */
export async function findHost(home: string): Promise<RunningHost | undefined> {
  try {
    using connection = await connectHost({ home });
    return connection && (await ask<RunningHost>(connection, "GET", "/control/status"));
  } catch (error) {
    if (error instanceof CommandError) return undefined; // it is just ending
    throw error;
  }
}

const LINES = 10;
const LOOKED_AT = 8_192;

/** The last lines of what the service said when something was wrong. */
export function lastErrors(home: string): string[] {
  const text = endOf(join(homePaths(home).logs, "service.err.log"));
  return safeForTerminal(text).split("\n").filter(Boolean).slice(-LINES);
}

function endOf(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const end = Buffer.alloc(Math.min(size, LOOKED_AT));
      readSync(file, end, 0, end.length, size - end.length);
      return end.toString("utf8");
    } finally {
      closeSync(file);
    }
  } catch {
    return ""; // it never ran
  }
}

const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 20_000;
/** A start that goes well may have something to say first, as when it moves in. */
const LAST_WORD_MS = 5_000;

/** Says whether the service that was just started answers; or, as far as it said, why not. */
export async function untilServing(home: string, errorsBefore: string[], interrupted: AbortSignal): Promise<string> {
  let said = errorsBefore.join("\n");
  let saidAt: number | undefined;
  for (let waited = 0; waited < PATIENCE_MS && !interrupted.aborted; waited += LOOK_EVERY_MS) {
    if (await findHost(home)) return "It answers. Talk to it: npm run nanoclaw -- chat";
    const errors = lastErrors(home).join("\n");
    if (errors !== said) [said, saidAt] = [errors, waited];
    if (saidAt !== undefined && waited - saidAt >= LAST_WORD_MS) break;
    await systemClock.sleep(LOOK_EVERY_MS, interrupted);
  }
  return saidAt === undefined
    ? "It does not answer yet. Look again with: npm run nanoclaw -- service status"
    : `It does not answer yet, and says:\n${said.replaceAll(/^/gm, "  ")}`;
}

export interface ServiceFacts extends ServiceStatus {
  home: string;
  file: string;
  /** Whether the host that answers in this home is the service. */
  answers: boolean;
  /** Since when, as ISO time. */
  since: string | null;
  lastErrors: string[];
}

export async function lookAtService(service: Service, home: string): Promise<{ facts: ServiceFacts; text: string }> {
  const status = await service.status();
  const host = await findHost(home);
  const answers = host !== undefined && host.pid === status.pid;
  const facts = {
    ...{ ...status, home, file: service.file.path, answers },
    since: answers ? new Date(host.startedAt).toISOString() : null,
    lastErrors: status.kind === "not-installed" || answers ? [] : lastErrors(home),
  };
  const rows = [
    ["service", `${status.kind}: ${status.detail}`],
    ["file", facts.file],
    ["host", hostWords(facts, host)],
  ];
  const errors = facts.lastErrors.length > 0 ? [`last words in ${homePaths(home).logs}/service.err.log:`] : [];
  const cure = status.cure ? [`-> ${status.cure}`] : [];
  return {
    facts,
    text: [columns(rows), ...cure, ...errors, ...facts.lastErrors.map((line) => `  ${line}`)].join("\n"),
  };
}

function hostWords({ answers, since, pid }: ServiceFacts, host: RunningHost | undefined): string {
  if (answers) return `answers, since ${since}`;
  if (!host) return "none answers in this home";
  return pid === null
    ? `another one works here, started by hand (process ${host.pid})`
    : `another one works here, started by hand (process ${host.pid}): the service waits until it ends`;
}
