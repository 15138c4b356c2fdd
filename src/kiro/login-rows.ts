export interface LoginRow {
  key: string;
  value: string;
}

/** The spelling "odic" is Kiro's own; older logins are still named after CodeWhisperer. */
const LOGIN_KEY = /^(?:kirocli|codewhisperer):[a-z][a-z-]{0,31}:(?:token|device-registration)$/;
const TOKEN_KEY = /:token$/;

/** Rows of `auth_kv` that a login consists of. */
export const isLoginKey = (key: string): boolean => LOGIN_KEY.test(key);

/** A registered device alone is no login; and only a token is ever refreshed. */
export const isTokenKey = (key: string): boolean => isLoginKey(key) && TOKEN_KEY.test(key);

/** Rows of `state` that belong to the login: which profile of the account is used. */
export const isLoginState = (key: string): boolean => key === "api.codewhisperer.profile";

export interface Token {
  /** The whole value, with fields that we know nothing of. */
  fields: Record<string, unknown>;
  accessToken: string;
  refreshToken: string | null;
  /** As it is written, and in epoch milliseconds. */
  expiry: string;
  expiresAt: number;
}

export type TokenPart = "access" | "refresh" | "expiry";

const parts: Record<string, TokenPart> = {
  access_token: "access",
  accessToken: "access",
  refresh_token: "refresh",
  refreshToken: "refresh",
  expires_at: "expiry",
  expiresAt: "expiry",
};

/** Which of the three things that a refresh changes a field holds. */
export const kindOf = (field: string): TokenPart | undefined =>
  Object.hasOwn(parts, field) ? parts[field] : undefined;

/** Kiro writes `null` where it forgot a token. */
export function parseToken(value: string): Token | undefined {
  const fields = parseObject(value);
  if (!fields) return undefined;
  const accessToken = pick(fields, "access");
  const expiry = pick(fields, "expiry");
  const expiresAt = parseTime(expiry);
  if (typeof accessToken !== "string" || accessToken === "" || expiresAt === undefined) return undefined;
  const refreshToken = pick(fields, "refresh");
  return {
    fields,
    accessToken,
    refreshToken: typeof refreshToken === "string" ? refreshToken : null,
    expiry: String(expiry),
    expiresAt,
  };
}

export function parseObject(value: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    return parsed as Record<string, unknown>;
  } catch {
    return undefined; // an older or newer Kiro's form
  }
}

const pick = (fields: Record<string, unknown>, part: TokenPart): unknown =>
  Object.entries(fields).find(([name]) => kindOf(name) === part)?.[1];

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function parseTime(value: unknown): number | undefined {
  if (typeof value !== "string" || !TIME.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
