// A stand-in for kiro-cli: behaves as docs/kiro-facts.md says the real program does, and imports nothing of the product.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, type Options } from "./arguments.ts";
import { createCli, Exit, kiroHome, kiroSetting, leave, type Cli } from "./cli.ts";
import { parseObject } from "./json.ts";

const program = process.argv[1] ?? "kiro-cli";

async function main(cli: Cli, [command = "", ...args]: readonly string[]): Promise<void> {
  if (["--version", "-V", "version"].includes(command)) return cli.out(`kiro-cli ${cli.settings.version}\n`);
  if (["", "--help", "-h", "help", "--help-all"].includes(command)) return cli.out(HELP);
  const commands: Record<string, (options: Options & { rest: string[] }) => void | Promise<void>> = {
    chat: async (options) => (await import("./chat.ts")).chat(cli, options, program),
    whoami: async (options) => (await import("./login.ts")).whoami(cli, options),
    login: async (options) => (await import("./login.ts")).login(cli, options),
    logout: async () => (await import("./login.ts")).logout(cli),
    agent: (options) => agent(cli, options),
    settings: ({ rest }) => settings(cli, rest),
  };
  const chosen = commands[command];
  if (chosen === undefined) leave(cli, 2, `'${command}' is not simulated (kiro-cli stand-in)`);
  await chosen(parse(cli, command, args));
}

const HELP =
  "kiro-cli (Kiro CLI)\n\nUsage: kiro-cli [subcommand]\n  chat  agent  login  logout  whoami  settings  version\n";

async function agent(cli: Cli, { rest: [verb], flags }: Options & { rest: string[] }): Promise<void> {
  const { agentFiles, readAgentFile } = await import("./agents.ts");
  if (verb === "list") {
    for (const { name, path, problem } of agentFiles(cli))
      cli.err(problem ? `WARNING: ${problem}\n` : `${name}  ${path}\n`);
    return cli.err("kiro_default  (Built-in)\n");
  }
  const path = flags.get("--path");
  if (verb !== "validate") leave(cli, 2, `'agent ${verb}' is not simulated (kiro-cli stand-in)`);
  if (path === undefined) return leave(cli, 2, "the following required arguments were not provided:\n  --path <PATH>");
  const { problem } = readAgentFile(path);
  if (problem !== undefined) leave(cli, 1, problem);
}

/** docs/kiro-facts.md 7: `~/.kiro/settings/cli.json`. */
function settings(cli: Cli, [key, value]: readonly string[]): void {
  const folder = join(kiroHome(cli), "settings");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "cli.json");
  writeFileSync(file, "", { flag: "a" });
  const all = parseObject(readFileSync(file, "utf8")) ?? {};
  if (key === "list")
    return cli.out(
      Object.entries(all)
        .map(([name, each]) => `${name} = ${JSON.stringify(each)}\n`)
        .join(""),
    );
  if (key === undefined) return leave(cli, 2, "a setting's name is needed");
  if (value === undefined) return cli.out(`${JSON.stringify(kiroSetting(cli, key) ?? null)}\n`);
  const literal = /^(true|false|-?\d+(\.\d+)?)$/.test(value) ? (JSON.parse(value) as boolean | number) : value;
  writeFileSync(file, JSON.stringify({ ...all, [key]: literal }));
}

try {
  await main(createCli(program), process.argv.slice(2));
  process.exit(0);
} catch (error) {
  if (!(error instanceof Exit))
    process.stderr.write(`error: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(error instanceof Exit ? error.code : 1);
}
