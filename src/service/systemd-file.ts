import type { FoundFile, ServicePlan } from "./service-plan.ts";

export const UNIT = "nanoclaw.service";

const RESTART_SECONDS = 10;

export function systemdFile(plan: ServicePlan): string {
  const [program, ...args] = plan.command;
  return `# Written by "nanoclaw service install". Environment lines of yours stay when it is written anew; all
# else that you change belongs in a file of your own: systemctl --user edit ${UNIT}
[Unit]
Description=NanoClaw, an assistant over chat
# An engine that runs without root is a user unit, too.
After=docker.service podman.socket
# Never given up: what cannot run yet says so in logs/service.err.log, and waits.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${execStart(program, args)}
WorkingDirectory=${bare(plan.folder)}
${Object.entries(plan.env)
  .map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`)
  .join("\n")}
Restart=always
RestartSec=${RESTART_SECONDS}
# TERM goes to the host alone: it ends its turns itself, and tells their chats.
KillMode=mixed
TimeoutStopSec=${plan.stopSeconds}
# An agent that took too much memory is no reason to end the host.
OOMPolicy=continue
StandardOutput=append:${bare(plan.out)}
StandardError=append:${bare(plan.err)}

[Install]
WantedBy=default.target
`;
}

/** systemd refuses a program with these in its path; as an argument it may have them. */
const REFUSED = /["'\\]/;
const BY_SHELL = ["/bin/sh", "-c", 'exec "$0" "$@"'];

const execStart = (program: string, args: string[]): string =>
  (REFUSED.test(program)
    ? [...BY_SHELL, program, ...args].map(argument)
    : [quoted(program), ...args.map(argument)]
  ).join(" ");

/** Reads what this module writes, and the plain lines of others. */
export function readSystemdFile(content: Buffer): FoundFile {
  const text = content.toString("utf8");
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`^\\s*${key}\\s*=(.*)$`, "gm"))].map(([, value = ""]) => words(value));
  const command = values("ExecStart")[0] ?? [];
  const isByShell = command[0] === BY_SHELL[0];
  const [program, script] = isByShell ? command.slice(BY_SHELL.length) : command;
  const env = Object.fromEntries(
    values("Environment")
      .flat()
      .flatMap((word) => {
        const [, name, value] = /^(\w+)=(.*)$/s.exec(word) ?? [];
        return name === undefined ? [] : [[name, value ?? ""]];
      }),
  );
  return {
    text,
    ...(program ? { program: isByShell ? program.replaceAll("$$", "$") : program } : {}),
    ...(script ? { script: script.replaceAll("$$", "$") } : {}),
    env,
  };
}

/** Whether both say the same, wherever and however a person wrote variables into it. */
export function isSameUnit(text: string, content: Buffer): boolean {
  const found = readSystemdFile(content);
  return rest(text) === rest(found.text) && sorted(readSystemdFile(Buffer.from(text)).env) === sorted(found.env);
}

const rest = (text: string): string => text.replaceAll(/^\s*Environment\s*=.*\n?/gm, "");

const sorted = (env: Record<string, string>): string =>
  JSON.stringify(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)));

/** One word, whatever is in it; `%` would name a specifier. */
const quoted = (value: string): string =>
  `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;

/** After the program's own path, `$` would name a variable. */
const argument = (value: string): string => quoted(value.replaceAll("$", "$$$$"));

/** A path that is the whole line. A backslash at its end would take the next line along. */
const bare = (path: string): string => {
  const escaped = path.replaceAll("%", "%%");
  return /[\\\s]$/.test(escaped) ? `${escaped}/` : escaped;
};

function words(line: string): string[] {
  const found = line.matchAll(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g);
  return [...found].map(([word]) =>
    word
      .replaceAll(
        /"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\\.)/g,
        (_all, double?: string, single?: string, escaped?: string) =>
          (double ?? single ?? escaped ?? "").replaceAll(/\\(.)/g, "$1"),
      )
      .replaceAll("%%", "%"),
  );
}
