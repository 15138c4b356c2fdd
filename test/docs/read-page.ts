/** A fenced block of a page. */
export interface Block {
  /** Of the fence, from 1. */
  line: number;
  language: string;
  /** What the info string says after the language. */
  words: Words;
  text: string;
}

export type Words = Readonly<Record<string, string>>;

/** What a block of commands may say; `README.md` beside this file explains them. */
const shellWords = ["not-run", "exits", "background", "host", "whatsapp", "kiro", "engine"];
const wordsOf: Record<string, readonly string[]> = {
  ...{ sh: shellWords, bash: shellWords, console: shellWords },
  ...{ text: ["output"], json: ["output"] },
  ...{ mermaid: [], ini: [], xml: [], ts: [] },
};

export const isShell = ({ language }: Block): boolean => wordsOf[language] === shellWords;

const FENCE = /^( *)(`{3,}|~{3,})(.*)$/;

/**
 * The fenced blocks of a page.
 * @throws for a language or a word that says nothing to us: what is not understood would not be run.
 */
export function readPage(page: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; block: Block; lines: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    const [, indent = "", fence = "", info = ""] = FENCE.exec(text) ?? [];
    if (open) {
      if (fence.startsWith(open.fence) && info.trim() === "") {
        blocks.push({ ...open.block, text: open.lines.join("\n") });
        open = undefined;
      } else open.lines.push(text.slice(Math.min(open.indent, text.search(/\S|$/))));
    } else if (fence !== "") {
      const block = { line: index + 1, ...readInfo(`${page}:${index + 1}`, info), text: "" };
      open = { fence, indent: indent.length, block, lines: [] };
    }
  });
  if (open) throw new Error(`${page}:${open.block.line}: this block is never closed`);
  return blocks;
}

function readInfo(where: string, info: string): Pick<Block, "language" | "words"> {
  const [language = "", ...said] = info.match(/[\w-]+(="[^"]*"|=[^\s"]+)?|\S+/g) ?? [];
  const known = wordsOf[language];
  if (!known) {
    const words = language === "" ? "no language" : `the language "${language}"`;
    throw new Error(`${where}: a block with ${words}; known are ${Object.keys(wordsOf).join(", ")}`);
  }
  const words = said.map((word) => {
    const [, name = word, value = ""] = /^([\w-]+)(?:="?(.*?)"?)?$/.exec(word) ?? [];
    if (!known.includes(name)) throw new Error(`${where}: "${word}" says nothing after ${language}`);
    if (name === "not-run" && value.length < 5) throw new Error(`${where}: not-run needs a reason`);
    return [name, value] as const;
  });
  return { language, words: Object.fromEntries(words) };
}
