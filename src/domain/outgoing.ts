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
  return pieces.filter((piece) => piece !== "");
}

function cutPoint(text: string, limit: number): number {
  const head = text.slice(0, limit);
  for (const border of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(border);
    if (at >= limit / 2) return at;
  }
  return graphemeCut(text, limit);
}

function graphemeCut(text: string, limit: number): number {
  // A window is enough: no sane grapheme is longer than 64 units.
  const start = Math.max(0, limit - 64);
  const window = text.slice(start, limit + 64);
  let cut = 0;
  for (const { index } of new Intl.Segmenter().segment(window)) {
    if (start + index > limit) break;
    cut = start + index;
  }
  return cut > start ? cut : limit;
}
