const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
const squeeze = (text: string): string => text.trim().replaceAll(/[ \t]+/g, " ");

/**
 * Whether a command said what its page shows: `…` stands for anything in its line, alone in a line for
 * any lines, `<words>` for something. Runs of spaces count as one.
 */
export function saysAsShown(shown: string, said: string): boolean {
  const lines = shown.trim().split("\n").map(squeeze);
  const pattern = lines.map((line) => (line === "…" ? "(?:[^\\n]*\\n)*?" : `${lineOf(line)} ?\\n`)).join("");
  const text = said
    .trim()
    .split("\n")
    .map((line) => `${squeeze(line)}\n`)
    .join("");
  return new RegExp(`^${pattern}$`).test(text);
}

const lineOf = (line: string): string =>
  line
    .split(/(…|<[^<>]+>)/)
    .map((part) => (part === "…" ? "[^\\n]*" : /^<[^<>]+>$/.test(part) ? "[^\\n]+?" : escape(part)))
    .join("");
