import { pino, multistream, type Logger } from "pino";
import { createStream, type RotatingFileStream } from "rotating-file-stream";
import type { Log } from "./domain/log.ts";

export interface LogFiles extends AsyncDisposable {
  log: Log;
}

/** Anything that could hold a person's words or a key; parts log ids, this is the net below. */
const redacted = ["text", "content", "prompt", "secrets", "*.text", "*.content", "*.prompt", "*.secrets"];

/**
 * The host's log: JSON lines in `nanoclaw.log`, errors also in `nanoclaw.error.log`. Both names
 * stay; at 10 MB a file is moved to `<name>.1` and so on, five are kept. A disk that takes no more
 * lines costs lines, never the host.
 * @param clean takes secret values out of a whole line.
 */
export function openLog(folder: string, level: string, clean: (line: string) => string = (line) => line): LogFiles {
  const all = rotating(folder, "nanoclaw.log");
  const errors = rotating(folder, "nanoclaw.error.log");
  const logger = pino(
    {
      ...{ level, base: null, redact: { paths: redacted, censor: "[redacted]" } },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: clean },
    },
    multistream([
      { level: "trace", stream: all },
      { level: "error", stream: errors },
    ]),
  );
  return {
    log: asLog(logger),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([all, errors].map((stream) => new Promise<void>((resolve) => stream.end(() => resolve()))));
    },
  };
}

function rotating(path: string, name: string): RotatingFileStream {
  const stream = createStream((index) => (index ? `${name}.${String(index)}` : name), {
    path,
    size: "10M",
    rotate: 5,
    mode: 0o600,
  });
  let told = false;
  const complain = (error: Error) => {
    if (!told) process.stderr.write(`The log ${name} cannot be written: ${error.message}\n`);
    told = true;
  };
  stream.on("error", complain);
  stream.on("warning", complain);
  return stream;
}

function asLog(logger: Logger): Log {
  return {
    debug: (data, event) => logger.debug(data, event),
    info: (data, event) => logger.info(data, event),
    warn: (data, event) => logger.warn(data, event),
    error: (data, event) => logger.error(data, event),
    child: (bindings) => asLog(logger.child(bindings)),
  };
}
