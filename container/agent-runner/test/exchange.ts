import { mkdtempSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestSchema, type Request } from "../src/protocol/index.ts";

/** The host's end of an exchange folder: answers request files until it is disposed of. */
export interface Exchange extends Disposable {
  dir: string;
  /** Everything asked so far, in the order it was seen. */
  requests: Request[];
  /** From now on each request is answered with this text; undefined leaves it without an answer. */
  answerWith(answer: Answerer): void;
}

type Answerer = (request: Request) => string | undefined | Promise<string>;

const LOOK_MS = 5;

export function createExchange(): Exchange {
  const dir = mkdtempSync(join(tmpdir(), "nanoclaw-exchange-"));
  for (const folder of ["requests", "responses", "journal"]) mkdirSync(join(dir, folder));
  const requests: Request[] = [];
  let answer: Answerer = () => undefined;
  const look = (): void => {
    for (const name of readdirSync(join(dir, "requests")).filter((file) => /^[a-z0-9]{16}\.json$/.test(file))) {
      const path = join(dir, "requests", name);
      const request = requestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
      rmSync(path);
      requests.push(request);
      void respond(join(dir, "responses"), name, answer(request));
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    dir,
    requests,
    answerWith(next) {
      answer = next;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      rmSync(dir, { recursive: true });
    },
  };
}

async function respond(folder: string, name: string, answer: ReturnType<Answerer>): Promise<void> {
  const text = await answer;
  if (text === undefined) return;
  writeFileSync(join(folder, `.${name}.tmp`), text);
  renameSync(join(folder, `.${name}.tmp`), join(folder, name));
}

export const okay = (result: unknown): string => JSON.stringify({ ok: true, result });
export const refuse = (error: string): string => JSON.stringify({ ok: false, error });
