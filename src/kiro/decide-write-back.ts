import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isTokenKey, kindOf, parseToken, type LoginRow, type Token } from "./login-rows.ts";

/** A row that was lent; the value itself is not kept. */
export interface LentRow {
  key: string;
  hash: string;
}

export const lentRow = ({ key, value }: LoginRow): LentRow => ({ key, hash: hashOf(value) });

const hashOf = (value: string): string => createHash("sha256").update(value).digest("hex");

export interface WriteBackFacts {
  lent: readonly LentRow[];
  /** The person's own rows as they are now. */
  host: readonly LoginRow[];
  /** What came back: written by an agent. */
  returned: readonly LoginRow[];
  now: number;
}

export interface WriteBack {
  changes: { key: string; from: string; to: string }[];
  /** Rows that differ and are not taken. */
  refused: { key: string; reason: string }[];
}

const LONGEST_VALUE = 32 * 1024;
/** Access tokens live for hours; one that never ends would never be refreshed again. */
const LONGEST_LIFE_MS = 7 * 24 * 3_600_000;
const TOKEN_TEXT = /^[\x21-\x7e]{20,16384}$/;

/**
 * Which refreshed tokens the person's own login takes over. Everything about a row but the three
 * fields that a refresh changes stays as the host has it, letter by letter.
 */
export function decideWriteBack({ lent, host, returned, now }: WriteBackFacts): WriteBack {
  const result: WriteBack = { changes: [], refused: [] };
  for (const row of returned) {
    const own = host.find(({ key }) => key === row.key);
    if (own?.value === row.value) continue;
    const verdict = judge({ row, own, lent: lent.find(({ key }) => key === row.key), now });
    if ("reason" in verdict) result.refused.push({ key: row.key, ...verdict });
    else result.changes.push({ key: row.key, ...verdict });
  }
  return result;
}

interface Candidate {
  row: LoginRow;
  own: LoginRow | undefined;
  lent: LentRow | undefined;
  now: number;
}

function judge({ row, own, lent, now }: Candidate): { from: string; to: string } | { reason: string } {
  if (!lent || !isTokenKey(row.key)) return { reason: "it was not lent" };
  if (own === undefined || hashOf(own.value) !== lent.hash)
    return { reason: "the person's own login changed meanwhile" };
  if (row.value.length > LONGEST_VALUE) return { reason: "it is too large" };
  const before = parseToken(own.value);
  const after = parseToken(row.value);
  if (!before || !after) return { reason: "it is no token" };
  const problem = refreshProblem(before, after, now);
  return problem === undefined ? { from: own.value, to: refreshed(before, after) } : { reason: problem };
}

function refreshProblem(before: Token, after: Token, now: number): string | undefined {
  if (!isFlat(before) || !isFlat(after)) return "it has no token's form";
  if (!isDeepStrictEqual(lasting(before), lasting(after))) return "it is of another account";
  if (!TOKEN_TEXT.test(after.accessToken)) return "its token has no token's form";
  if (before.refreshToken !== null && !TOKEN_TEXT.test(after.refreshToken ?? "")) {
    return "its refresh token has no token's form";
  }
  if (after.expiresAt <= before.expiresAt) return "it expires no later than the person's own";
  if (after.expiresAt > now + LONGEST_LIFE_MS) return "it claims to be good for more than a week";
  return undefined;
}

/** Names and values that a refresh does not touch, and which names there are at all. */
function lasting({ fields }: Token): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, kindOf(name) === undefined ? value : ""]),
  );
}

/** Deeper things are no part of a token, and comparing them could exhaust the stack. */
const isFlat = ({ fields }: Token): boolean =>
  Object.values(fields).every((value) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)));

const isPlain = (value: unknown): boolean => typeof value !== "object" || value === null;

/** Only what was looked at gets in. */
function refreshed(before: Token, after: Token): string {
  const { accessToken, refreshToken, expiry } = after;
  const values = { access: accessToken, refresh: before.refreshToken === null ? null : refreshToken, expiry };
  const merged = Object.entries(before.fields).map(([name, value]) => {
    const kind = kindOf(name);
    return [name, kind === undefined ? value : values[kind]];
  });
  return JSON.stringify(Object.fromEntries(merged));
}
