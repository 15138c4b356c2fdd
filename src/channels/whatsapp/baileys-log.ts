import type { SocketConfig } from "baileys";
import type { Log } from "../../domain/log.ts";

type Logger = SocketConfig["logger"];

/**
 * Baileys' lines without their data: it logs stanzas, numbers and whole credentials. Of an error its
 * message stays.
 */
export function baileysLog(log: Log): Logger {
  const line = (write: (data: object, event: string) => void) => (data: unknown, message?: string) =>
    write({ error: errorMessage(data) }, `baileys: ${message ?? (typeof data === "string" ? data : "")}`);
  const logger: Logger = {
    // It prepares data for finer levels even when nobody reads it.
    level: "info",
    child: () => logger,
    trace: () => {},
    debug: () => {},
    info: line(log.debug),
    warn: line(log.debug),
    error: line(log.warn),
  };
  return logger;
}

const LONGEST = 200;

function errorMessage(data: unknown): string | undefined {
  const { err, error, e } = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  const found = [data, err, error, e].find((one) => one instanceof Error);
  return found?.message.slice(0, LONGEST);
}
