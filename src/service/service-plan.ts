import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, defaultHomeOf, loadConfig } from "../config.ts";
import { ServiceError } from "./service-error.ts";
import type { ServiceOptions } from "./service-port.ts";

/** What a manager of services has to know, before any file format. */
export interface ServicePlan {
  command: readonly [string, ...string[]];
  folder: string;
  out: string;
  err: string;
  /** From TERM to KILL. */
  stopSeconds: number;
  env: Record<string, string>;
  /** What keeps the settings from being used; the service would wait for a correction. */
  problem: string | null;
}

/** A service file that is there: of ours, of the fork, or of a person. */
export interface FoundFile {
  text: string;
  /** Node or another program; undefined when the file cannot be read as one of its kind. */
  program?: string;
  script?: string;
  env: Record<string, string>;
}

/** Where other programs' things are: without them the service would not find what `npm start` finds. */
const PLACES = [
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"],
  ...["KIRO_HOME", "XDG_DATA_HOME", "NODE_EXTRA_CA_CERTS"],
];

/** Ours in the file; everything else there stays as the person wrote it. */
const OWN = ["PATH", "HOME", "NANOCLAW_HOME"];

/** TERM, KILL and the last entries of the ledger may take this beyond the stop budget. */
const AFTER_BUDGET_SECONDS = 30;
const USUAL_BUDGET_MS = 15_000;

/** @throws {ServiceError} when a path cannot stand in a service file. */
export function planService(options: ServiceOptions, found: FoundFile | undefined): ServicePlan {
  const { home, root, node } = options;
  const person = personOf(options);
  const at = home === defaultHomeOf(root, person) ? {} : { NANOCLAW_HOME: home };
  const env = {
    PATH: searchPath(found?.env["PATH"], options.env["PATH"], person),
    ...(options.platform === "macos" ? { HOME: person } : {}),
    ...at,
    ...keptVariables(found),
    ...places(options.env),
  };
  const plan: ServicePlan = {
    command: [node, join(root, "bin", "nanoclaw.mjs"), "start", "--service"],
    folder: root,
    out: join(home, "logs", "service.out.log"),
    err: join(home, "logs", "service.err.log"),
    ...stopping(env, home),
    env,
  };
  for (const path of [...plan.command, plan.out, ...Object.values(env)]) refuseControl(path);
  return plan;
}

/** What tells whether a file is as it should be: search path and places may differ from shell to shell. */
export const fromFile = (options: ServiceOptions, { env }: FoundFile): ServiceOptions => ({
  ...options,
  env: { ...env, HOME: personOf(options) },
});

export const personOf = ({ env }: ServiceOptions): string => {
  const home = env["HOME"];
  if (!home) throw new ServiceError("HOME is not set: the service file belongs below it. Set it and try again.");
  return home;
};

/** A file of anybody else may be the old system's. */
export const isOurs = ({ script }: FoundFile): boolean => script?.endsWith("/bin/nanoclaw.mjs") === true;

/** Of the old system's own template: no person chose it, and kept it would stand above `.env` for ever. */
const TEMPLATE = { ASSISTANT_NAME: "Andy" } as const;

/** What the template of the old system set, and nobody changed. */
export const droppedVariables = (found: FoundFile | undefined): string[] =>
  !found || isOurs(found)
    ? []
    : Object.entries(TEMPLATE).flatMap(([name, value]) => (found.env[name] === value ? [name] : []));

/** What a person wrote into the file's environment. */
export function keptVariables(found: FoundFile | undefined): Record<string, string> {
  const left = [...OWN, ...droppedVariables(found)];
  return Object.fromEntries(Object.entries(found?.env ?? {}).filter(([name]) => !left.includes(name)));
}

const places = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(PLACES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));

/** The file's own first, then the person's, then where docker and kiro-cli usually are. */
function searchPath(inFile: string | undefined, persons: string | undefined, person: string): string {
  const usual = [join(person, ".local", "bin"), "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin"];
  const all = [...split(inFile), ...split(persons), ...usual, "/usr/sbin", "/sbin"];
  return [...new Set(all)].join(":");
}

/** `npm run` puts folders of the project in front, which are none of the person's. */
const split = (path: string | undefined): string[] =>
  (path ?? "").split(":").filter((entry) => entry.startsWith("/") && !/\/node_modules(\/|$)/.test(entry));

/** As the service will see its settings: `.env` below its own environment. */
function stopping(env: Record<string, string>, home: string): Pick<ServicePlan, "stopSeconds" | "problem"> {
  const seconds = (ms: number) => Math.ceil(ms / 1_000) + AFTER_BUDGET_SECONDS;
  if (!existsSync(home)) return { stopSeconds: seconds(USUAL_BUDGET_MS), problem: null }; // looking makes no folder
  try {
    const { settings } = loadConfig({ env: { ...env, NANOCLAW_HOME: home }, defaultHome: home });
    return { stopSeconds: seconds(settings.NANOCLAW_STOP_BUDGET), problem: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { stopSeconds: seconds(USUAL_BUDGET_MS), problem: error.message };
  }
}

function refuseControl(value: string): void {
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f\ufffd]/.test(value)) return;
  throw new ServiceError(
    `${JSON.stringify(value)} cannot stand in a service file: it has control characters. Move it to a path without them.`,
  );
}
