import { createRedactingStream, createRedactor, type Answer, type FrameBody } from "./protocol/index.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** As the protocol has it; a name may be longer than the value it stands for. */
const LONGEST_SAY = 500;

/**
 * The same frames without the values of the turn's secrets, whichever backend writes them. What a
 * secret was removed from is told once, in a frame of its own.
 */
export function createRedactedFrames(frames: FrameWriter, secrets: Readonly<Record<string, string>>): FrameWriter {
  const redact = createRedactor(secrets);
  const words = createRedactingStream(secrets);
  const told = new Set<string>();
  const clean = ({ text, hits }: { text: string; hits: string[] }): string => {
    const fresh = hits.filter((name) => !told.has(name));
    for (const name of fresh) told.add(name);
    if (fresh.length > 0) frames.write({ type: "secret", names: fresh });
    return text;
  };
  const plain = (text: string): string => clean(redact(text));
  return {
    write(body) {
      if (body.type === "answer") {
        // What was held back of the words as the possible beginning of a secret.
        const rest = clean(words.end());
        if (rest !== "") frames.write({ type: "text", text: rest });
      }
      frames.write(redacted(body, plain, (text) => clean(words.push(text))));
    },
  };
}

function redacted(body: FrameBody, plain: (text: string) => string, word: (text: string) => string): FrameBody {
  switch (body.type) {
    case "session":
      return { ...body, session: plain(body.session) };
    case "text":
      return { ...body, text: word(body.text) };
    case "tool":
      return { ...body, tool: plain(body.tool) };
    case "log":
      return { ...body, line: plain(body.line) };
    case "answer":
      return { ...body, answer: redactedAnswer(body.answer, plain) };
    case "secret":
    case "closed":
      return body;
    default:
      return body satisfies never;
  }
}

function redactedAnswer(answer: Answer, plain: (text: string) => string): Answer {
  const session = answer.session === null ? null : plain(answer.session);
  if (answer.status === "ok") return { ...answer, session, text: plain(answer.text) };
  const say = answer.say === undefined ? {} : { say: plain(answer.say).slice(0, LONGEST_SAY) };
  return { ...answer, session, error: plain(answer.error), ...say };
}
