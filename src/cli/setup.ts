import { Option, type Command } from "commander";
import type { Answers, MountRoot } from "../setup/answers.ts";
import { stepNames, type StepName } from "../setup/outcome.ts";
import { parseNumber } from "./auth.ts";
import { parseSenders } from "./groups.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface Flags {
  only?: string;
  skip?: string;
  yes?: true;
  json?: true;
  rebuild?: true;
  buildArg?: string[];
  kiro?: "key" | "login" | "skip";
  kiroKeyFile?: string;
  whatsapp?: "qr" | "code" | "skip";
  phone?: string;
  ownNumber?: boolean;
  owner?: string;
  group?: string[];
  senders?: string;
  trigger?: string;
  triggerRequired: boolean;
  mounts?: "none";
  mountRoot?: string[];
}

/** @param leave what ends the process, with its exit code. */
export function addSetup(program: Command, terminal: Terminal, leave = leaveWith): void {
  program
    .command("setup")
    .description("Set everything up, step by step. It can be run again at any time: what is done is skipped.")
    .option("--only <steps>", `these steps alone, with commas: ${stepNames.join(",")}`)
    .option("--skip <steps>", "all steps but these")
    .option("--yes", "ask nothing: flags, and safe defaults for the rest")
    .option("--json", "ask nothing, one JSON object a line; what has no safe default is told with its flag")
    .option("--rebuild", "build the image anew although it is there")
    .option("--build-arg <name=value...>", "for the image, e.g. KIRO_CLI=none")
    .addOption(new Option("--kiro <how>", "how it gets to Kiro").choices(["key", "login", "skip"]))
    .option("--kiro-key-file <file>", "where the API key is read from; - is standard input")
    .addOption(new Option("--whatsapp <how>", "how this machine is linked").choices(["qr", "code", "skip"]))
    .option("--phone <number>", "with --whatsapp code: the phone's number, with country code")
    .option("--own-number", "the linked number is the assistant's alone")
    .option("--no-own-number", "the linked number is yours")
    .option("--owner <number>", "with --own-number: your number")
    .option("--group <name...>", "WhatsApp groups to register, by name or id")
    .option("--senders <who>", "who may start turns in them: owner (default), everyone, or numbers with commas")
    .option("--trigger <text>", "what calls the assistant in them, instead of @<ASSISTANT_NAME>")
    .option("--no-trigger-required", "every message of allowed senders in them is answered")
    .addOption(new Option("--mounts <which>", "no folders of this machine for groups").choices(["none"]))
    .option("--mount-root <folder...>", "folders that groups may be shown, with :rw to let main write")
    .action(async (flags: Flags, command: Command) => {
      const wanted = wantedSteps(flags);
      const answers = answersOf(flags, command);
      const { setUp } = await import("../setup/setup.ts");
      let code = 1;
      try {
        code = await setUp(answers, wanted, terminal);
      } finally {
        leave(code);
      }
    });
}

const LEFT_OVER_MS = 100;

/** Baileys leaves a timer of 30 seconds behind, which holds nothing but the process. */
function leaveWith(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
}

export function wantedSteps({ only, skip }: Pick<Flags, "only" | "skip">): StepName[] {
  if (only !== undefined && skip !== undefined) throw new CommandError("--only and --skip exclude each other.", 2);
  const named = namesIn(only ?? skip ?? "", only === undefined ? "--skip" : "--only");
  return stepNames.filter((name) => named.includes(name) === (only !== undefined));
}

function namesIn(text: string, flag: string): StepName[] {
  const names = text.split(",").flatMap((name) => name.trim() || []);
  const unknown = names.filter((name) => !stepNames.some((step) => step === name));
  if (unknown.length > 0 || (names.length === 0 && flag === "--only")) {
    throw new CommandError(`${flag} ${text}: there is no such step. Steps: ${stepNames.join(", ")}.`, 2);
  }
  return names as StepName[];
}

/** @throws {CommandError} for answers that contradict each other, or mean nothing. */
export function answersOf(flags: Flags, command: Pick<Command, "getOptionValueSource">): Answers {
  assertNoneContradicts(flags);
  const { whatsapp, phone, kiro, kiroKeyFile, mounts, mountRoot, owner } = flags;
  return {
    ...{ yes: flags.yes === true, json: flags.json === true, rebuild: flags.rebuild === true },
    ...{ buildArgs: buildArgs(flags.buildArg ?? []), kiroKeyFile },
    kiro: kiroKeyFile === undefined ? kiro : "key",
    whatsapp: phone === undefined ? whatsapp : "code",
    phone: phone === undefined ? undefined : parseNumber(phone),
    ownNumber: ownNumber(flags, command),
    owner: owner === undefined ? undefined : parseNumber(owner, "--owner"),
    ...{ groups: flags.group ?? [], trigger: flags.trigger, triggerRequired: flags.triggerRequired },
    senders: parseSenders(flags.senders),
    mounts: mounts ?? mountRoot?.map(parseRoot),
  };
}

function assertNoneContradicts({ whatsapp, phone, kiro, kiroKeyFile, mounts, mountRoot }: Flags): void {
  const isOther = whatsapp === "qr" || whatsapp === "skip";
  const rules: readonly [boolean, string][] = [
    [phone !== undefined && isOther, "--phone goes with --whatsapp code; a QR code needs no number."],
    [kiroKeyFile !== undefined && (kiro ?? "key") !== "key", "--kiro-key-file goes with --kiro key."],
    [mounts !== undefined && mountRoot !== undefined, "--mounts none and --mount-root exclude each other."],
  ];
  for (const [isBroken, rule] of rules) if (isBroken) throw new CommandError(rule, 2);
}

/** Commander gives a flag that has a negation a value where nobody said one. */
function ownNumber({ ownNumber: said, owner }: Flags, command: Pick<Command, "getOptionValueSource">) {
  const isSaid = command.getOptionValueSource("ownNumber") === "cli";
  if (isSaid && said !== true && owner !== undefined) throw new CommandError("--owner goes with --own-number.", 2);
  return isSaid ? said : owner === undefined ? undefined : true;
}

function buildArgs(given: readonly string[]): readonly string[] {
  const wrong = given.find((one) => !/^[A-Za-z_]\w*=/.test(one));
  if (wrong !== undefined) throw new CommandError(`--build-arg ${wrong}: write it as <name>=<value>.`, 2);
  return given;
}

const parseRoot = (text: string): MountRoot => ({
  path: text.replace(/:(ro|rw)$/, ""),
  allowReadWrite: text.endsWith(":rw"),
});
