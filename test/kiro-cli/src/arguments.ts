import { leave, type Cli } from "./cli.ts";

interface Flag {
  names: readonly string[];
  value?: string;
  values?: readonly string[];
  help: string;
  since?: string;
}

export interface Options {
  flags: ReadonlyMap<string, string>;
  input: string | undefined;
}

/** docs/kiro-facts.md 2. Where no version is known for a flag, the first one it was seen with. */
const CHAT: readonly Flag[] = [
  { names: ["--resume", "-r"], help: "Resume the most recent conversation from this directory" },
  { names: ["--resume-id"], value: "SESSION_ID", help: "Resume a specific conversation by session ID", since: "2.2.0" },
  { names: ["--resume-picker"], help: "Interactively select a conversation to resume from this directory" },
  { names: ["--agent"], value: "AGENT", help: "Context profile to use" },
  { names: ["--model"], value: "MODEL", help: "Current model to use" },
  {
    names: ["--effort"],
    value: "EFFORT",
    values: ["low", "medium", "high", "xhigh", "max"],
    help: "Initial effort level",
    since: "2.8.0",
  },
  { names: ["--trust-all-tools", "-a"], help: "Allows the model to use any tool without asking for confirmation" },
  { names: ["--trust-tools"], value: "TOOL_NAMES", help: "Trust only this set of tools" },
  {
    names: ["--no-interactive", "--non-interactive"],
    help: "Whether the command should run without expecting user input",
  },
  { names: ["--list-sessions", "-l"], help: "List all saved chat sessions for the current directory" },
  { names: ["--delete-session", "-d"], value: "SESSION_ID", help: "Delete a chat session by ID" },
  {
    names: ["--session-source"],
    value: "SOURCE",
    values: ["v1", "v2"],
    help: "Only with --delete-session",
    since: "2.19.0",
  },
  { names: ["--list-models"], help: "List available models" },
  {
    names: ["--format", "-f"],
    value: "FORMAT",
    values: ["plain", "json", "json-pretty"],
    help: "Output format for list commands",
  },
  {
    names: ["--output-format"],
    value: "FORMAT",
    values: ["text", "stream-json"],
    help: "Output format of the run",
    since: "2.19.2",
  },
  {
    names: ["--wrap", "-w"],
    value: "WRAP",
    values: ["always", "never", "auto"],
    help: "Control line wrapping behavior",
  },
  { names: ["--require-mcp-startup"], help: "Exit with code 3 if any MCP server fails to start", since: "2.0.0" },
  {
    names: ["--agent-engine"],
    value: "ENGINE",
    values: ["v1", "v2", "v3", "kas"],
    help: "Agent engine to use",
    since: "2.8.0",
  },
  { names: ["--v2"], help: "Use the v2 agent engine", since: "2.28.0" },
  { names: ["--v3"], help: "Launch the next generation Kiro agent", since: "2.8.0" },
  { names: ["--tui"], help: "Launch chat in TUI mode", since: "2.0.0" },
  {
    names: ["--classic", "--legacy-ui", "--legacy-mode"],
    help: "Launch chat in classic (legacy) UI mode",
    since: "2.0.0",
  },
  { names: ["--verbose", "-v"], help: "Increase logging verbosity" },
  { names: ["--help", "-h"], help: "Print help" },
];

const others = (...flags: readonly string[]): readonly Flag[] =>
  flags.map((flag) => {
    const [name = "", value] = flag.split(" ");
    const names = name === "--format" ? [name, "-f"] : [name];
    return value === undefined ? { names, help: "" } : { names, value, help: "" };
  });

const FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  chat: CHAT,
  whoami: others("--format FORMAT", "--help"),
  login: others("--use-device-flow", "--license L", "--identity-provider URL", "--region R", "--help"),
  logout: others("--help"),
  settings: others("--all", "--format FORMAT", "--help"),
  agent: others("--path PATH", "--format FORMAT", "--help"),
};

function known(cli: Cli, command: string): readonly Flag[] {
  return (FLAGS[command] ?? []).filter(({ since }) => since === undefined || cli.since(since));
}

export function helpOf(cli: Cli, command: string): string {
  const lines = known(cli, command).map((flag) => {
    const [long = "", ...rest] = flag.names;
    const short = rest.find((name) => !name.startsWith("--"));
    const aliases = rest.filter((name) => name.startsWith("--"));
    const values = flag.values ? `\n          [possible values: ${flag.values.join(", ")}]` : "";
    const also = aliases.length > 0 ? `\n          [aliases: ${aliases.join(", ")}]` : "";
    const shown = `${short ? `${short}, ` : "    "}${long}${flag.value ? ` <${flag.value}>` : ""}`;
    return `  ${shown}\n          ${flag.help}${also}${values}\n`;
  });
  const input = command === "chat" ? "[INPUT]\n\nArguments:\n  [INPUT]  The first question to ask" : "[ARGS]";
  return `Usage: kiro-cli-chat ${command} [OPTIONS] ${input}\n\nOptions:\n${lines.join("\n")}`;
}

/** As clap reads: what it does not know ends the run with 2; a value that is not allowed with 1 (docs/kiro-facts.md 4). */
export function parse(cli: Cli, command: string, args: readonly string[]): Options & { rest: string[] } {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === "--") rest.push(...left.splice(0));
    else if (!arg.startsWith("-") || arg === "-") rest.push(arg);
    else takeFlag(cli, command, arg, left, flags);
  }
  if (command === "chat" && rest.length > 1) refuse(cli, command, `unexpected argument '${rest[1]}' found`);
  return { flags, input: rest[0], rest };
}

function takeFlag(cli: Cli, command: string, arg: string, left: string[], flags: Map<string, string>): void {
  const [name = "", attached] = arg.startsWith("--") ? splitAt(arg, "=") : [arg.slice(0, 2), arg.slice(2) || undefined];
  const flag = known(cli, command).find(({ names }) => names.includes(name));
  if (flag === undefined) return refuse(cli, command, `unexpected argument '${name}' found`);
  const [long = ""] = flag.names;
  if (flag.value === undefined) {
    flags.set(long, "");
    if (attached === undefined) return;
    if (arg.startsWith("--")) return refuse(cli, command, `unexpected value '${attached}' for '${long}' found`);
    return takeFlag(cli, command, `-${attached}`, left, flags); // -ra
  }
  const next = left[0];
  const value = attached ?? (next !== undefined && (next === "-" || !next.startsWith("-")) ? left.shift() : undefined);
  if (value === undefined) {
    return refuse(cli, command, `a value is required for '${long} <${flag.value}>' but none was supplied`);
  }
  if (flag.values && !flag.values.includes(value)) {
    leave(
      cli,
      1,
      `invalid value '${value}' for '${long} <${flag.value}>'\n  [possible values: ${flag.values.join(", ")}]`,
    );
  }
  flags.set(long, value);
}

function refuse(cli: Cli, command: string, problem: string): never {
  leave(cli, 2, `${problem}\n\nUsage: kiro-cli-chat ${command} [OPTIONS]\n\nFor more information, try '--help'.`);
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
