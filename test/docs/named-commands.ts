import type { Command } from "commander";
import { isShell, readPage } from "./read-page.ts";

/** A command line of ours that a page names, run or not. */
export interface Named {
  line: number;
  /** What stands behind the program's name. */
  words: string[];
}

/** How the program is called on the pages, and what each of these names says before its own words. */
const callers: [RegExp, string[]][] = [
  [/\bnpm run nanoclaw(?: --)?(?= |$)/g, []],
  [/\bnpm run auth(?: --)?(?= |$)/g, ["auth"]],
  [/(?<=(?:^|[;(|&])\s*)(?:bin\/)?nanoclaw(?= [a-z-])/g, []],
];

/** Our command lines in blocks of commands and in inline code. */
export function namedCommands(page: string, markdown: string): Named[] {
  const blocks = readPage(page, markdown);
  const inBlocks = blocks.filter(isShell).flatMap(({ line, text }) =>
    text
      .replaceAll(/\\\n/g, " \n")
      .split("\n")
      .flatMap((code, index) =>
        commandsIn(code.replace(/(^|\s)#\s.*$/, "")).map((words) => ({ line: line + 1 + index, words })),
      ),
  );
  return [...inBlocks, ...inlineCommands(markdown, blocks)];
}

function inlineCommands(markdown: string, blocks: ReturnType<typeof readPage>): Named[] {
  const inside = new Set(blocks.flatMap(({ line, text }) => text.split("\n").map((_, index) => line + 1 + index)));
  return markdown.split("\n").flatMap((text, index) => {
    if (inside.has(index + 1)) return [];
    const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
    return spans.flatMap((code) => commandsIn(code).map((words) => ({ line: index + 1, words })));
  });
}

function commandsIn(code: string): string[][] {
  return callers.flatMap(([caller, before]) =>
    [...code.matchAll(caller)].map(({ index, 0: { length } }) => [...before, ...wordsOf(code.slice(index + length))]),
  );
}

/** Up to where the shell, or the sentence, goes on with something else. */
function wordsOf(rest: string): string[] {
  const words = rest.match(/"[^"]*"|'[^']*'|<[^<>]*>|[^\s"'<>]+|[<>]/g) ?? [];
  const end = words.findIndex((word) => /^([|;&<>]+|\d?>&?\d?)$/.test(word));
  return end === -1 ? words : words.slice(0, end);
}

/** What is wrong with a command line; undefined when the program has such a command with such flags. */
export function problemOf(program: Command, { words }: Named): string | undefined {
  let found = [program];
  const flags: string[] = [];
  let isNamed = false;
  for (const word of words.map((one) => one.replaceAll(/^\[|[\],;.)]+$/g, ""))) {
    if (/^--?[a-z]/i.test(word)) flags.push(word.replace(/=.*/, ""));
    else if (!isNamed) {
      if (found.every(({ commands }) => commands.length === 0) || isPlaceholder(word)) {
        isNamed = true;
        continue;
      }
      const next = word
        .split(/[|/]/)
        .map((name) =>
          found.flatMap(({ commands }) =>
            commands.filter((one) => one.name() === name || one.aliases().includes(name)),
          ),
        );
      if (next.some((one) => one.length === 0)) return `there is no command "${words.join(" ")}"`;
      found = next.flat();
    }
  }
  const missing = flags.find((flag) => !found.every((command) => hasFlag(command, flag)));
  return missing && `"${found.map((one) => one.name()).join("|")}" has no flag ${missing}`;
}

const isPlaceholder = (word: string): boolean => /^(<.*|…|help)$/.test(word);

function hasFlag(command: Command, flag: string): boolean {
  if (["--help", "-h"].includes(flag)) return true;
  const own = command.options.some(({ long, short }) => long === flag || short === flag);
  return own || (command.parent !== null && hasFlag(command.parent, flag));
}
