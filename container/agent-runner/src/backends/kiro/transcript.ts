import { shownPiece, stripEscapes, terminalLine } from "./escapes.ts";
import { transcriptToolLine } from "./tool-lines.ts";

export interface Transcript {
  /** The text after the last tool; empty when there is none. */
  answer: string;
  calledTools: boolean;
  /** Credits of the footer, when it was written to this stream. */
  credits: number | undefined;
}

export interface TranscriptEvents {
  text(text: string): void;
  tool(tool: string, status: "started" | "done" | "failed"): void;
}

export interface TranscriptReader {
  line(raw: string): void;
  /** The model spoke or a tool was called: from here on a line may be anybody's. */
  hasBegun(): boolean;
  end(): Transcript;
}

/** One piece of the model's text, and what came after it that may be tools' output or still text. */
interface Segment {
  text: string[];
  side: string[];
  announced: boolean;
  completed: boolean;
  /** A tool that was announced came to its end. */
  hadTool: boolean;
  /** It began inside the output of a tool whose end had not been seen. */
  insideTool: boolean;
}

const newSegment = (text: string[] = [], insideTool = false): Segment => ({
  text,
  side: [],
  announced: false,
  completed: false,
  hadTool: false,
  insideTool,
});

/**
 * Reads the classic engine's transcript, in which the model's text, tools and their output stand in
 * one stream. A piece of text begins with the marker `> `. As far as was seen the marker is coloured
 * and a Markdown quote is not; where nothing is coloured, a marker counts only at the beginning and
 * behind a finished tool. What looked like a tool and never ended was the model's own words.
 */
export function createTranscriptReader(events: TranscriptEvents): TranscriptReader {
  let marker: string | undefined;
  let begun = false;
  let calledTools = false;
  let tool = "";
  let current = newSegment();
  let footer: string | undefined;
  const spoken: Segment[] = [];

  const begin = (rest: string, coloured: boolean): void => {
    if (!coloured && !mayBeginPlain(current, begun)) return other(`> ${rest}`, false);
    spoken.push(current);
    const open = current.announced && !current.completed;
    current = newSegment([rest], open);
    begun = true;
    events.text(`${rest}\n`);
  };
  const other = (line: string, isPainted: boolean): void => {
    const said = transcriptToolLine(line);
    if (said?.kind === "started") {
      begun = true;
      calledTools = true;
      // Kiro paints a tool's name; without paint these are the model's words.
      if (marker === undefined || isPainted) return announce(line, said.tool);
    } else if (said) return complete(line, said.kind);
    const isSide = current.announced || current.completed;
    (isSide ? current.side : current.text).push(line);
    if (!isSide && begun) events.text(`${line}\n`);
  };
  const announce = (line: string, name: string): void => {
    tool = name;
    current.announced = true;
    current.completed = false;
    current.side.push(line);
    events.tool(name, "started");
  };
  const complete = (line: string, status: "done" | "failed"): void => {
    // A tool printed what looks like a marker: that was no text of the model's.
    if (current.insideTool && !current.announced) current = spoken.pop() ?? newSegment();
    if (current.announced) events.tool(tool, status);
    current.hadTool ||= current.announced;
    current.completed = true;
    current.side.push(line);
  };

  return {
    line(raw) {
      const plain = terminalLine(raw);
      // The footer is the stream's last line, or somebody quotes one.
      if (footer !== undefined && plain.trim() !== "") {
        other(footer, false);
        footer = undefined;
      }
      if (readFooter(plain) !== undefined) return void (footer = plain);
      const found = readMarker(raw, marker);
      if (found === undefined) return other(plain, raw.includes("\u001b"));
      if (found.escapes !== undefined) marker = found.escapes;
      begin(terminalLine(found.rest), found.escapes !== undefined);
    },
    hasBegun: () => begun,
    end: () => ({
      answer: answerIn([...spoken, current]),
      calledTools,
      credits: footer === undefined ? undefined : readFooter(footer),
    }),
  };
}

const mayBeginPlain = ({ announced, completed }: Segment, begun: boolean): boolean =>
  announced || completed ? completed : !begun;

interface Marker {
  /** Its exact bytes; undefined for one without escapes. */
  escapes: string | undefined;
  rest: string;
}

// eslint-disable-next-line no-control-regex -- the marker is recognised by its escapes
const colouredMarker = /^((?:\x1b\[[0-9;]*m)+>(?: (?:\x1b\[[0-9;]*m)+|(?:\x1b\[[0-9;]*m)+ ))/;
/** Moves and deletions before a line's text. */
// eslint-disable-next-line no-control-regex -- as above
const cursorMoves = /^(?:\x1b\[[0-9;?]*[A-Za-ln-z])+/;

/** Once a coloured marker was seen, only the very same one counts. */
function readMarker(raw: string, known: string | undefined): Marker | undefined {
  const line = shownPiece(raw).replace(cursorMoves, "");
  const coloured = colouredMarker.exec(line)?.[1];
  if (coloured !== undefined && (known === undefined || known === coloured)) {
    return { escapes: coloured, rest: line.slice(coloured.length) };
  }
  if (known !== undefined || !stripEscapes(line).startsWith("> ")) return undefined;
  return { escapes: undefined, rest: stripEscapes(line).slice(2) };
}

function answerIn(segments: Segment[]): string {
  const last = segments.at(-1);
  if (last && !last.hadTool) reclaim(last);
  const spoken = segments.map(({ text }) => tidy(text.join("\n"))).filter((text) => text !== "");
  return spoken.at(-1) ?? "";
}

/** Nothing ended the tool that was announced: the model quoted one, or it was refused and text follows. */
function reclaim(segment: Segment): void {
  const answer = segment.side.findIndex((line) => line.startsWith("> "));
  const refused = segment.side.some((line) => /is rejected because|non-interactive mode/.test(line));
  if (refused && answer >= 0) {
    segment.text = segment.side.slice(answer).map((line, index) => (index === 0 ? line.slice(2) : line));
  } else if (!refused) segment.text.push(...segment.side);
}

/** Without blank lines around it; inside, every space counts. */
export function tidy(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, "").trimEnd();
}

const footerLine = /^\s*(?:[▸▶>•*-]\s*)?Credits: (\d+(?:\.\d+)?)\b/;

/** Credits of V1's footer line, its proof that a turn came to its end. */
export function readFooter(line: string): number | undefined {
  const credits = footerLine.exec(line)?.[1];
  return credits === undefined ? undefined : Number(credits);
}
