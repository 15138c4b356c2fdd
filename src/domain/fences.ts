/** Fenced code in a text; positions are UTF-16 units. */
export interface Fence {
  /** Of the opening line. */
  start: number;
  /** Of the first line of code. */
  bodyStart: number;
  /** Of the line break before the closing line; the text's end when it is never closed. */
  bodyEnd: number;
  /** Behind the closing line. */
  end: number;
  /** The line that opens it again, and what closes it. */
  opening: string;
  marker: string;
}

/** How far behind the window a closing line is looked for. */
const BEYOND = 1_000;

/**
 * The fences that begin within the first `window` units. One whose lines are so long that nothing
 * would fit between them is none.
 */
export function findFences(text: string, window: number): Fence[] {
  const fences: Fence[] = [];
  const head = text.slice(0, window + BEYOND);
  let open: Fence | undefined;
  for (const { index, 0: line, groups } of head.matchAll(/^(?<indent>[^\S\n]*)(?<run>`{3,}|~{3,})(?<info>.*)$/gm)) {
    const { indent = "", run = "", info = "" } = groups ?? {};
    if (open) {
      if (!closes(open, run, info)) continue;
      fences.push({ ...open, bodyEnd: Math.max(index - 1, open.bodyStart), end: index + line.length });
      open = undefined;
    } else if (index < window && isOpening(run, info) && indent.length + run.length <= window / 8) {
      open = opened(index, line, indent + run, window, text.length);
    }
  }
  return open ? [...fences, open] : fences;
}

const isOpening = (run: string, info: string): boolean => run.startsWith("~") || !info.includes("`");

const closes = ({ marker }: Fence, run: string, info: string): boolean =>
  info.trim() === "" && run.startsWith(marker.trim());

function opened(start: number, line: string, marker: string, window: number, length: number): Fence {
  const opening = line.length <= window / 4 ? line.trimEnd() : marker;
  return { start, bodyStart: start + line.length + 1, bodyEnd: length, end: length, opening, marker };
}
