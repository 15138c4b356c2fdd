import { cleanText } from "../../domain/message.ts";

/**
 * A stranger's client fills these fields; whatever their declared types say, each may hold anything
 * or be missing. Nothing here throws.
 */

export const words = (value: unknown): string => (typeof value === "string" ? cleanText(value) : "");

const LONGEST_LINE = 500;

/** Text that stands inside a line of ours. */
export const line = (value: unknown): string =>
  words(value)
    .slice(0, LONGEST_LINE)
    .replace(/[\ud800-\udbff]$/, "")
    .replace(/\s+/g, " ")
    .trim();

export const textOrNull = (value: unknown): string | null => words(value) || null;

export const bytesOrNull = (value: unknown): Uint8Array | null =>
  value instanceof Uint8Array && value.length > 0 ? value : null;

export const finite = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** No list of a message has more that is worth reading; the largest group has 1,024 members. */
const LONGEST_LIST = 1_100;

export const list = <T>(value: readonly T[] | null | undefined): readonly (T | null | undefined)[] =>
  Array.isArray(value) ? (value as T[]).slice(0, LONGEST_LIST) : [];

/** Numbers of 64 bits come as objects of two halves. */
export function count(value: unknown): number | null {
  const number = typeof value === "number" ? value : fromHalves(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function fromHalves(value: unknown): number {
  if (typeof value !== "object" || value === null) return NaN;
  const { high, low } = value as { high?: unknown; low?: unknown };
  return typeof high === "number" && typeof low === "number" ? high * 2 ** 32 + (low >>> 0) : NaN;
}

export const joined = (parts: readonly string[], separator: string): string =>
  parts.filter((part) => part !== "").join(separator);

/** Stands for something that the person did not type: `[location: Café, 52.5, 13.4]`. */
export function bracketed(kind: string, ...parts: readonly string[]): string {
  const about = joined(parts, ", ");
  return about === "" ? `[${kind}]` : `[${kind}: ${about}]`;
}

/** At most that many UTF-8 bytes, the note about the cut among them. */
export function cutText(text: string, limit: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return text;
  const note = `\n[cut here: it had ${bytes} bytes]`;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limit - note.length));
  return text.slice(0, read) + note;
}
