import { findFences, type Fence } from "./fences.ts";
import { isLocal, type Jid } from "./ids.ts";
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

/** Longest message in UTF-16 units. A phone shows more of it only after a tap. */
const LOCAL_LENGTH = 16_000;
const PHONE_LENGTH = 4_000;

/** The messages that a text becomes in this chat. */
export const piecesFor = (chat: Jid, text: string): string[] =>
  splitText(text, isLocal(chat) ? LOCAL_LENGTH : PHONE_LENGTH);

/**
 * Pieces of at most `limit` UTF-16 units, cut at the last paragraph, line, sentence, word or, where
 * there is none in the second half, between two characters as a person sees them. A cut in fenced
 * code closes the fence and opens it again in the next piece.
 */
export function splitText(text: string, limit: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > limit) {
    const cut = nextCut(rest, limit);
    pieces.push(cut.piece);
    rest = cut.rest;
  }
  if (rest !== "") pieces.push(rest);
  return pieces.filter((piece) => piece.trim() !== "");
}

interface Cut {
  piece: string;
  rest: string;
}

function nextCut(text: string, limit: number): Cut {
  const fences = findFences(text, limit);
  const outside = borderOutside(text, limit, fences, ["\n\n", "\n"]);
  if (outside !== undefined) return cutAt(text, outside);
  const inside = fences.find(({ start, bodyEnd }) => start < limit && bodyEnd > limit / 2);
  if (inside) return cutInside(text, limit, inside);
  const soft = lastSentence(text, limit) ?? borderOutside(text, limit, [], [" "]);
  return cutAt(text, soft ?? graphemeCut(text, limit));
}

function cutAt(text: string, at: number): Cut {
  const rest = text.slice(at);
  // The next line's indentation means something in lists and code.
  const isLineEnd = /^[^\S\n]*\n/.test(rest);
  return {
    piece: text.slice(0, at).trimEnd(),
    rest: isLineEnd ? rest.replace(/^(?:[^\S\n]*\n)+/, "") : rest.trimStart(),
  };
}

/** The last border in the second half that tears no fenced code apart. */
function borderOutside(
  text: string,
  limit: number,
  fences: readonly Fence[],
  borders: readonly string[],
): number | undefined {
  for (const border of borders) {
    for (let at = text.lastIndexOf(border, limit); at >= limit / 2; at = text.lastIndexOf(border, at - 1)) {
      if (!fences.some(({ start, end }) => at >= start && at < end)) return at;
    }
  }
  return undefined;
}

function lastSentence(text: string, limit: number): number | undefined {
  const from = Math.ceil(limit / 2);
  const ends = [...text.slice(from, limit + 1).matchAll(/(?:[.!?…][)\]"'”’»]*(?=\s))|[。！？][」』”]?/g)];
  const last = ends.findLast(({ index, 0: end }) => from + index + end.length <= limit);
  return last && from + last.index + last[0].length;
}

/** Code lines keep their indentation and blank lines: nothing but the line's end itself is left out. */
function cutInside(text: string, limit: number, { opening, marker, bodyStart, bodyEnd }: Fence): Cut {
  const room = Math.min(limit - marker.length - 1, bodyEnd - 1);
  const least = Math.max(limit / 2, bodyStart + 1);
  for (const border of ["\n\n", "\n"]) {
    const at = text.lastIndexOf(border, room);
    if (at >= least) return { piece: `${text.slice(0, at)}\n${marker}`, rest: `${opening}\n${text.slice(at + 1)}` };
  }
  const whole = graphemeCut(text, room);
  const at = whole > bodyStart ? whole : cutAtCharacter(text, room).length;
  return { piece: `${text.slice(0, at)}\n${marker}`, rest: `${opening}\n${text.slice(at)}` };
}

/** The whole text is asked, not a window of it: flags pair up from the beginning of their row. */
function graphemeCut(text: string, limit: number): number {
  const at = new Intl.Segmenter().segment(text).containing(limit)?.index ?? limit;
  return at > 0 ? at : cutAtCharacter(text, limit).length || limit;
}

/** A message as history and the agent remember it. */
export function spokenText({ text, file }: { text: string; file: { name: string } | null }): string {
  if (!file) return text;
  return [`[file: ${file.name}]`, text].filter((part) => part !== "").join("\n");
}
