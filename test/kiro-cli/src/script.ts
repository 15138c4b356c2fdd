export interface Step {
  word: string;
  text: string;
}

const WORDS = new Set(
  "say narrate recall remember tool shell read env system bytes sleep fail stop stdout stderr last-words deaf anew".split(
    " ",
  ),
);

/** `!!word text!!`, anywhere in the prompt, escaped or not; only what stands after the last `!!anew!!`. */
export function readScript(prompt: string): Step[] {
  const found = unescape(prompt).matchAll(/!!([a-z][a-z-]*)(?:\s+((?:(?!!!)[\s\S])*?))?\s*!!/g);
  const steps = [...found].map(([, word = "", text = ""]) => ({ word, text: text.trim() }));
  const known = steps.filter(({ word }) => WORDS.has(word));
  return known.slice(known.findLastIndex(({ word }) => word === "anew") + 1);
}

/** What a caller does who puts the prompt into XML. */
export function unescape(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(lt|gt|quot|apos|amp));/gi, (_, decimal, hex, name) =>
    name
      ? (named[String(name).toLowerCase()] ?? "")
      : String.fromCodePoint(decimal ? Number(decimal) : parseInt(String(hex), 16)),
  );
}

/** The last line of the prompt that is text. */
export function lastLine(prompt: string): string {
  const lines = unescape(prompt.replaceAll(/<[^>]*>/g, "")).split("\n");
  return lines.map((line) => line.trim()).findLast((line) => line !== "") ?? "";
}
