import { createRedactor, type FrameBody } from "../../protocol/index.ts";
import { stripEscapes } from "./escapes.ts";

export interface Progress {
  /** Words of the model as they come. */
  text(text: string): void;
  tool(tool: string, status: "started" | "done" | "failed"): void;
  /** For the host's log. */
  log(line: string): void;
  session(id: string): void;
  /** Kiro wrote something: the host must not take it for dead. */
  alive(): void;
  /** Gives what was collected. */
  flush(): void;
}

export interface ProgressDeps {
  emit(body: FrameBody): void;
  secrets: Readonly<Record<string, string>>;
  /** What the host lets all frames together have. */
  outputBytes: number;
  now(): number;
}

const TEXT_EVERY_MS = 500;
const SIGN_EVERY_MS = 1_000;
/** When there is no room for more than signs of life, these are rare too. */
const RARE_SIGN_EVERY_MS = 10_000;
const LONGEST_LINE = 500;
/** Characters of collected words that do not wait. */
const LONGEST_TEXT = 4_000;

/**
 * Frames while Kiro works: enough that the host sees life and the log tells what happened, never so
 * many that the answer finds no room. A quarter of what the host allows is used.
 */
export function createProgress({ emit, secrets, outputBytes, now }: ProgressDeps): Progress {
  const redact = createRedactor(secrets);
  let left = outputBytes / 4;
  let words = "";
  let lastFrameAt = -Infinity;
  let session: string | undefined;
  const give = (body: FrameBody): void => {
    left -= Buffer.byteLength(JSON.stringify(body)) + 80;
    if (left < 0) return;
    lastFrameAt = now();
    emit(body);
  };
  const flush = (): void => {
    if (words === "") return;
    const text = stripEscapes(words);
    words = "";
    give({ type: "text", text });
  };
  return {
    text(text) {
      words += text;
      if (words.length > LONGEST_TEXT || now() - lastFrameAt >= TEXT_EVERY_MS) flush();
    },
    tool(tool, status) {
      flush();
      give({ type: "tool", tool: redact(tool).text, status });
    },
    log(line) {
      // Redacted before it is cut: half a secret would not be recognised.
      give({ type: "log", line: redact(stripEscapes(line).trim()).text.slice(0, LONGEST_LINE) });
    },
    session(id) {
      if (id === session) return;
      session = id;
      emit({ type: "session", session: id });
    },
    alive() {
      if (now() - lastFrameAt < (left > 0 ? SIGN_EVERY_MS : RARE_SIGN_EVERY_MS)) return;
      lastFrameAt = now();
      emit({ type: "text", text: "" });
    },
    flush,
  };
}
