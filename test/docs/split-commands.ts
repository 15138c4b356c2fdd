import { spawnSync } from "node:child_process";

export interface ShellCommand {
  /** Within the block, from 0. */
  line: number;
  text: string;
}

/** The commands of a block, each with all of its lines; comments of their own are left out. */
export function splitCommands(block: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let begun: ShellCommand | undefined;
  block.split("\n").forEach((text, line) => {
    if (!begun && /^\s*(#|$)/.test(text)) return;
    begun = begun ? { ...begun, text: `${begun.text}\n${text}` } : { line, text };
    if (!isWhole(begun.text)) return;
    commands.push(begun);
    begun = undefined;
  });
  if (begun) throw new Error(`this command has no end: ${begun.text}`);
  return commands;
}

function isWhole(text: string): boolean {
  if (/(^|[^\\])(\\\\)*\\$/.test(text)) return false;
  const [, , word] = /<<-?\s*(['"]?)(\w+)\1/.exec(text) ?? [];
  if (
    word !== undefined &&
    !text
      .split("\n")
      .slice(1)
      .some((line) => line.trim() === word)
  )
    return false;
  // Words in angle brackets are put in later; to the shell they are redirections.
  return spawnSync("bash", ["-n"], { input: text.replaceAll(/(?<![<\w])<[a-z][\w -]*>/g, "word") }).status === 0;
}

/** A command in one line, for a test's name. */
export const nameOf = ({ text }: ShellCommand): string => text.replaceAll(/\s*\\?\n\s*/g, " ").replace(/\s+#\s.*$/, "");
