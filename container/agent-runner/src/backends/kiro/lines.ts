import { StringDecoder } from "node:string_decoder";

/** Characters of an unfinished line that somebody may want to see already. */
const SHORT_LINE = 500;

export interface LineReader {
  push(bytes: Buffer): void;
  /** The last line may lack its line feed. */
  end(): void;
}

export interface LineReaderOptions {
  /** Characters of a line that are kept. */
  longest: number;
  /** `cut` when the line was longer than what is given here. */
  onLine(line: string, cut: boolean): void;
  /** A short line whose end is not there yet: a program that waits writes no line feed. */
  onPartial?(start: string): void;
}

/** Cuts a byte stream into lines of text; letters and lines may arrive in any pieces. */
export function createLineReader({ longest, onLine, onPartial }: LineReaderOptions): LineReader {
  const decoder = new StringDecoder("utf8");
  // Joined only once: a line of some megabytes in small pieces would cost minutes otherwise.
  let pieces: string[] = [];
  let length = 0;
  const add = (piece: string): void => {
    const room = longest - Math.min(length, longest);
    if (room > 0 && piece !== "") pieces.push(piece.slice(0, room));
    length += piece.length;
  };
  const finish = (): void => {
    const line = pieces.join("");
    const cut = length > longest;
    pieces = [];
    length = 0;
    onLine(line.endsWith("\r") ? line.slice(0, -1) : line, cut);
  };
  const take = (text: string): void => {
    const [first = "", ...others] = text.split("\n");
    add(first);
    for (const piece of others) {
      finish();
      add(piece);
    }
  };
  return {
    push(bytes) {
      take(decoder.write(bytes));
      if (length > 0 && length <= Math.min(longest, SHORT_LINE)) onPartial?.(pieces.join(""));
    },
    end() {
      take(decoder.end());
      if (length > 0) finish();
    },
  };
}
