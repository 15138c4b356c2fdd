import type { Frame, FrameBody } from "./protocol/index.ts";
import type { Journal } from "./journal.ts";

export interface FrameWriter {
  write(body: FrameBody): void;
}

interface Deps {
  token: string;
  journal: Journal;
  /** Gets every line too; must not throw, since nobody may be listening any more. */
  echo(line: string): void;
}

/** Numbers the frames of one attempt and writes each to the journal before anybody hears of it. */
export function createFrameWriter({ token, journal, echo }: Deps): FrameWriter {
  let n = 0;
  return {
    write(body) {
      n += 1;
      const line = JSON.stringify({ token, n, body } satisfies Frame) + "\n";
      journal.append(line);
      if (body.type === "answer") journal.sync();
      echo(line);
    },
  };
}
