import { createRedactor, type Redaction } from "@nanoclaw/agent-runner/protocol";
import { secretsOf, type ReadLogin } from "./login-state.ts";

export interface SecretKeeperOptions {
  apiKey: string | undefined;
  /** Changes whenever the person's login file does; cheap. */
  stamp(): string;
  read: ReadLogin;
}

export interface SecretKeeper {
  /** Values by name, for whoever keeps a redactor of its own. */
  current(): Readonly<Record<string, string>>;
  /** Looks whether the login changed; to be called before words leave the host. Never throws. */
  refresh(): void;
  /** Takes the values known by now out of a text; touches no disk, so that a log can use it. */
  redact(text: string): Redaction;
}

/** A token that was replaced is good for a while longer; older ones are forgotten. */
const MOST_KEPT = 64;

/** Which values are secrets now: the API key, and what the person's login consists of. */
export function createSecretKeeper({ apiKey, stamp, read }: SecretKeeperOptions): SecretKeeper {
  const fixed: Record<string, string> = apiKey === undefined ? {} : { KIRO_API_KEY: apiKey };
  /** Newest last. */
  let values: string[] = [];
  let seen: string | undefined;
  let redactor = createRedactor(fixed);

  const current = (): Record<string, string> => ({
    ...Object.fromEntries(values.map((value, place) => [`Kiro login ${place + 1}`, value])),
    ...fixed,
  });

  return {
    current,
    refresh: () => {
      const now = stamp();
      if (now === seen) return;
      const found = read();
      if (found.kind === "refused") return; // in the middle of a change: it is looked at again
      seen = now;
      if (found.kind === "missing") return;
      const fresh = secretsOf(found.content.auth);
      values = [...new Set([...values.filter((value) => !fresh.includes(value)), ...fresh])].slice(-MOST_KEPT);
      redactor = createRedactor(current());
    },
    redact: (text) => redactor(text),
  };
}
