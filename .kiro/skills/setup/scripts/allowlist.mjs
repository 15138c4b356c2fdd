// Writes the allowlist of folders that groups may be shown: `allowlist.mjs <file with JSON> <where to> [--keep]`.
// Prints what then stands there as JSON. With --keep one that can be used already is left alone. Whole or not at
// all, and what stood there before is kept beside it.
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { mountAllowlistSchema } from "../../../../src/domain/mount-rules.ts";

const [given = "", named = "", keep] = process.argv.slice(2);

function read(path) {
  let json;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`it is no JSON: ${error.message}`, { cause: error });
  }
  const { success, data, error } = mountAllowlistSchema.safeParse(json);
  if (!success) throw new Error(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  return data;
}

function readGiven() {
  const allowlist = read(given);
  const relative = allowlist.allowedRoots.find(({ path }) => !/^(\/|~\/)/.test(path));
  if (relative) throw new Error(`${relative.path}: a path begins with / or ~/`);
  return allowlist;
}

/** What turns go by now. */
function inForce() {
  try {
    return read(named);
  } catch {
    return undefined;
  }
}

function write(text) {
  mkdirSync(dirname(named), { recursive: true, mode: 0o700 });
  const path = existsSync(named) ? realpathSync(named) : named;
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  if (existsSync(path)) copyFileSync(path, `${path}.bak.${Math.floor(Date.now() / 1000)}`);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

try {
  const kept = keep === "--keep" ? inForce() : undefined;
  const allowlist = kept ?? readGiven();
  if (!kept) write(`${JSON.stringify(allowlist, null, 2)}\n`);
  console.log(JSON.stringify({ roots: allowlist.allowedRoots.length, nonMainReadOnly: allowlist.nonMainReadOnly }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
