import {
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";

/** The file was not changed; the message says why and what helps. */
export class EnvFileError extends Error {
  override name = "EnvFileError";
}

/** Null takes a setting away. */
export type EnvChanges = Readonly<Record<string, string | null>>;

export interface ChangedEnv {
  /** The file that was written: where `.env` leads to, if it is a link. */
  path: string;
  isLinked: boolean;
  isChanged: boolean;
}

/**
 * Changes settings in the home's `.env`, whole or not at all, readable for this user alone. Other
 * lines, comments and the order stay as they are.
 * @throws {EnvFileError} when nothing was changed.
 */
export function setEnv(home: string, changes: EnvChanges): ChangedEnv {
  const link = join(home, ".env");
  const path = targetOf(link);
  const before = read(path);
  const after = changeEnv(before ?? "", changes);
  const isChanged = after !== (before ?? "");
  // A file that is left alone may be open to others all the same.
  if (isChanged || before !== undefined) write(path, after);
  return { path, isLinked: path !== link, isChanged };
}

/** A person may keep the file elsewhere; to put a file in the link's place would part the two. */
function targetOf(link: string): string {
  try {
    const isLink = readlinkSync(link);
    return realpathOrGiven(resolve(dirname(link), isLink));
  } catch {
    return link; // it is no link
  }
}

function realpathOrGiven(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // the link leads to a file that is not there yet
  }
}

function read(path: string): string | undefined {
  try {
    const content = readFileSync(path);
    const text = content.toString("utf8");
    if (text.includes("\0") || !Buffer.from(text).equals(content)) throw new Error("it is no text file");
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(path, error);
  }
}

const unusable = (path: string, error: unknown): EnvFileError => {
  const cure = "Make it a text file with KEY=value lines that this user can read and write, or remove it.";
  return new EnvFileError(`${path} cannot be changed: ${(error as Error).message}. ${cure}`, { cause: error });
};

function write(path: string, text: string): void {
  const temporary = `${path}.new`;
  const before = statSync(path, { throwIfNoEntry: false });
  try {
    rmSync(temporary, { force: true }); // of one that was killed here
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // Root must not take away the file of the user whose home this is.
    if (before && process.getuid?.() === 0) chownSync(temporary, before.uid, before.gid);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw unusable(path, error);
  }
}

/** @throws {EnvFileError} when a value cannot be written so that it is read again as it is. */
export function changeEnv(text: string, changes: EnvChanges): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = assignments(text);
  for (const [key, value] of Object.entries(changes)) applyChange(lines, key, value, end);
  const changed = lines.map(({ text: line }) => line).join("");
  assertOnlyThese(text, changed, changes);
  return changed;
}

/** One assignment with everything to the end of its last line, or a line that is none. */
interface Piece {
  key: string | undefined;
  text: string;
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([^=\n#][^=\n]*?)[ \t]*=[ \t]*(.?)/;

function assignments(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (let rest = text; rest !== "";) {
    const [start, key, quote = ""] = ASSIGNMENT.exec(rest) ?? [];
    const closing = start !== undefined && /["'`]/.test(quote) ? rest.indexOf(quote, start.length) : -1;
    // A quoted value may go over several lines.
    const newline = rest.indexOf("\n", Math.max(closing, 0));
    const length = newline === -1 ? rest.length : newline + 1;
    pieces.push({ key, text: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return pieces;
}

function applyChange(pieces: Piece[], key: string, value: string | null, end: string): void {
  const at = pieces.findLastIndex((piece) => piece.key === key);
  if (value === null) {
    for (let index = at; index >= 0; index -= 1) if (pieces[index]?.key === key) pieces.splice(index, 1);
    return;
  }
  const line: Piece = { key, text: `${key}=${spelled(key, value)}${end}` };
  // Of several the last one counts.
  if (at !== -1) {
    pieces[at] = line;
    return;
  }
  const last = pieces.at(-1);
  if (last && !last.text.endsWith("\n")) last.text += end;
  pieces.push(line);
}

/** The plainest way to write it that Node reads as it is meant. */
function spelled(key: string, value: string): string {
  const asIs = /^[\w./:@%+,=-]*$/.test(value) ? [value] : [];
  const ways = [...asIs, ...['"', "'", "`"].map((quote) => `${quote}${value}${quote}`), value];
  const way = ways.find((one) => isReadAs(`${key}=${one}\nNEXT_LINE=1\n`, { [key]: value, NEXT_LINE: "1" }));
  // A file with a NUL in it is none that a start would read.
  if (way !== undefined && !value.includes("\0") && /^[A-Za-z_]\w*$/.test(key)) return way;
  throw new EnvFileError(
    `The value of ${key} cannot be written to .env: it has line breaks or quotes that the file has no way to keep. Set it in the environment instead.`,
  );
}

const isReadAs = (text: string, wanted: Record<string, string>): boolean =>
  JSON.stringify(Object.entries(parseEnv(text)).sort()) === JSON.stringify(Object.entries(wanted).sort());

/** What Node reads is what counts, not how we cut the file into lines. */
function assertOnlyThese(before: string, after: string, changes: EnvChanges): void {
  const wanted: Record<string, string> = Object.fromEntries(
    Object.entries({ ...parseEnv(before), ...changes }).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, value]] : [],
    ),
  );
  if (isReadAs(after, wanted)) return;
  const names = Object.keys(changes).join(", ");
  throw new EnvFileError(
    `.env cannot be changed without touching other lines (${names}): a quote may be open. Change it by hand.`,
  );
}
