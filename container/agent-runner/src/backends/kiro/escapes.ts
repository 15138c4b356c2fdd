/* eslint-disable no-control-regex -- control characters are what this file is about */

// An OSC without its end goes at most to the end of its line: it must not swallow the answer.
const osc = "[\\]PX^_][^\\x07\\x1b\\n]*(?:\\x07|\\x1b\\\\|(?=\\n)|$)";
const csi = "\\[[0-?]*[ -/]*[@-~]?";
const sequences = new RegExp(`\\x1b(?:${csi}|${osc}|[ -/]*[0-~])?|\\x9b[0-?]*[ -/]*[@-~]?`, "g");
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** Text as a person would read it: no terminal sequences, no control characters, lines ended by LF. */
export function stripEscapes(text: string): string {
  return text.replace(sequences, "").replaceAll("\r\n", "\n").replace(controls, "");
}

/** The same for one line of a terminal, where a carriage return writes over what stood there. */
export function terminalLine(line: string): string {
  return stripEscapes(shownPiece(line));
}

/** What of a line stands last on the screen, with its escapes. */
export function shownPiece(line: string): string {
  return line.split("\r").findLast((piece) => stripEscapes(piece).trim() !== "") ?? "";
}
