import { cutAtCharacter } from "./prompt.ts";

/**
 * What the chat sees of an agent's text: without `<internal>` blocks (one that is never closed
 * hides the rest) and without blank edges. Empty means that nothing is to be sent.
 */
export function visibleText(text: string): string {
  return text
    .replace(/<internal>[\s\S]*?(?:<\/internal>|$)/g, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/**
 * Pieces of at most `limit` UTF-16 units, cut at the last paragraph, line, word or, where there is
 * none in the second half, between two characters as a person sees them.
 */
export function splitText(text: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > limit) {
    const at = cutPoint(rest, limit);
    pieces.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  if (rest !== "") pieces.push(rest);
  return pieces.filter((piece) => piece.trim() !== "");
}

function cutPoint(text: string, limit: number): number {
  const head = text.slice(0, limit);
  for (const border of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(border);
    if (at >= limit / 2) return at;
  }
  return graphemeCut(text, limit);
}

/** The whole text is asked, not a window of it: flags pair up from the beginning of their row. */
function graphemeCut(text: string, limit: number): number {
  const at = new Intl.Segmenter().segment(text).containing(limit)?.index ?? limit;
  return at > 0 ? at : cutAtCharacter(text, limit).length || limit;
}
