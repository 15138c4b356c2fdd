import { isTokenKey, isLoginKey, parseObject, parseToken, type LoginRow } from "./login-rows.ts";

/** What the store's reader says; it is handed in. */
export type LoginRead =
  | { kind: "content"; content: { auth: LoginRow[]; state: LoginRow[] } }
  | { kind: "missing" }
  | { kind: "refused"; problem: string };

/** Reads the login's rows of the person's own `data.sqlite3`, and nothing else of it. */
export type ReadLogin = () => LoginRead;

export type LoginState =
  | {
      kind: "logged-in";
      /** When the newest access token ends, epoch ms; null when that is not told. Kiro refreshes by itself. */
      expiresAt: number | null;
    }
  | { kind: "logged-out" }
  /** A login may be there, but it cannot be read. */
  | { kind: "unreadable"; problem: string };

/** Whether the person is logged in, as far as the file tells; only the service knows whether it still counts. */
export function loginState(read: ReadLogin): LoginState {
  const found = read();
  switch (found.kind) {
    case "missing":
      return { kind: "logged-out" };
    case "refused":
      return { kind: "unreadable", problem: found.problem };
    case "content":
      return stateOf(found.content.auth);
    default:
      return found satisfies never;
  }
}

/** A token of a form that is not known is a login, too: Kiro changes its forms. */
function stateOf(rows: readonly LoginRow[]): LoginState {
  const tokens = rows.filter(({ key, value }) => isTokenKey(key) && hasContent(value));
  if (tokens.length === 0) return { kind: "logged-out" };
  const ends = tokens.flatMap(({ value }) => parseToken(value)?.expiresAt ?? []);
  return { kind: "logged-in", expiresAt: ends.length > 0 ? Math.max(...ends) : null };
}

const hasContent = (value: string): boolean => Object.keys(parseObject(value) ?? {}).length > 0;

/** Values that must not be seen: tokens, and the registered device's secret. */
export function secretsOf(rows: readonly LoginRow[]): string[] {
  return rows
    .filter(({ key }) => isLoginKey(key))
    .flatMap(({ value }) => Object.entries(parseObject(value) ?? {}))
    .flatMap(([field, value]) => (SECRET_FIELD.test(field) && typeof value === "string" ? [value] : []));
}

const SECRET_FIELD = /(?:token|secret)$/i;
