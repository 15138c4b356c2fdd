import {
  type CANCEL_SYMBOL,
  confirm,
  intro,
  isCancel,
  log,
  multiselect,
  outro,
  password,
  select,
  text,
} from "@clack/prompts";
import type { Terminal } from "../cli/terminal.ts";
import { Cancelled, type Check, type Choice, type Prompts, type Ui } from "./ui.ts";
import { AGAIN, cureOf, summaryLines } from "./words.ts";

/** For a person at a terminal. */
export function clackUi(terminal: Terminal): Ui {
  const { stdout } = terminal;
  const at = { output: stdout };
  const clear = () => void stdout.write("\r\u001b[2K");
  intro("NanoClaw setup. Ctrl-C leaves; nothing is lost, and the same command goes on.", at);
  return {
    ask: prompts(terminal),
    begin: ({ title }) => log.step(title, at),
    note: (lines) => log.message([lines].flat(), at),
    progress: (line) => {
      clear();
      // Longer than a row, it could not be taken back.
      if (line !== null) stdout.write(`│  ${line}`.slice(0, Math.max(stdout.columns - 1, 20)));
    },
    event: (_step, _type, lines) => void stdout.write(`${[lines].flat().join("\n")}\n`),
    ended: (result) => {
      const { outcome } = result;
      const cure = cureOf(result);
      const lines = cure === undefined ? outcome.detail : `${outcome.detail}\n-> ${cure}`;
      if (outcome.status === "done") log.success(lines, at);
      else if (outcome.status === "skipped") log.info(lines, at);
      else log.error(lines, at);
    },
    summary: (end) => outro(summaryLines(end).join("\n   "), at),
  };
}

function prompts({ stdin, stdout, interrupted }: Terminal): Prompts {
  const io = { input: stdin, output: stdout, signal: interrupted };
  return {
    choose: async <T extends string>(message: string, choices: readonly Choice<T>[]) =>
      answered<string>(await select<string>({ ...io, message, options: [...choices] })) as T,
    pickMany: async <T extends string>(message: string, choices: readonly Choice<T>[]) =>
      answered<string[]>(await multiselect<string>({ ...io, message, options: [...choices], required: false })) as T[],
    confirm: async (message, initial = true) => answered(await confirm({ ...io, message, initialValue: initial })),
    text: async (message, check, placeholder = "") =>
      answered(await text({ ...io, message, placeholder, validate: checking(check) })).trim(),
    secret: async (message, check) =>
      answered(await password({ ...io, message, clearOnError: true, validate: checking(check) })).trim(),
  };
}

const checking = (check: Check) => (typed: string | undefined) => check((typed ?? "").trim());

function answered<T>(answer: T | typeof CANCEL_SYMBOL): T {
  if (isCancel(answer)) throw new Cancelled();
  return answer;
}

/** @returns what a program, or a person without a terminal, is to do instead. */
export const withoutTerminal = [
  "There is no terminal to ask questions in. Give the answers by flags:",
  `  ${AGAIN} --yes    takes the safe defaults: no WhatsApp, no Kiro key, no further groups, no folders`,
  `  ${AGAIN} --json   says what each step needs, one JSON object a line`,
  `Answers: --whatsapp qr|code|skip, --phone, --kiro key|login|skip, --kiro-key-file, --group, --mounts none, --mount-root; all of them: ${AGAIN} --help`,
].join("\n");
