import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/nanoclaw-tests", import.meta.url));

export interface Baked {
  /** What the stand-in simulates: README.md beside this file. */
  settings?: Readonly<Record<string, unknown>>;
  /** The Node it runs with; by default the one on PATH, as in an image. */
  node?: string;
}

/** Writes the stand-in as one executable file, for `--build-arg KIRO_CLI=` among others. */
export function bundleKiroCli(file: string, { settings = {}, node }: Baked = {}): string {
  mkdirSync(dirname(file), { recursive: true });
  const shebang = node === undefined ? "#!/usr/bin/env node" : `#!${node}`;
  const code = `${shebang}\nglobalThis.kiroStandin = ${JSON.stringify(settings)};\n${bundled()}`;
  rmSync(file, { force: true });
  writeFileSync(file, code, { mode: 0o755 });
  return file;
}

/** `kiro-cli` and the sibling it starts since 2.15, in a folder for PATH; returns `kiro-cli`. */
export function installKiroCli(folder: string, baked: Omit<Baked, "node"> = {}): string {
  const file = bundleKiroCli(join(folder, "kiro-cli"), { ...baked, node: process.execPath });
  rmSync(`${file}-chat`, { force: true });
  symlinkSync("kiro-cli", `${file}-chat`);
  return file;
}

/** Made once for each state of the sources: hundreds of tests install it. */
function bundled(): string {
  const sources = fileURLToPath(new URL("src", import.meta.url));
  const hash = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of readdirSync(sources).sort()) hash.update(`${name}\n`).update(readFileSync(join(sources, name)));
  const kept = join(CACHE, `kiro-cli-${hash.digest("hex").slice(0, 16)}.mjs`);
  try {
    return readFileSync(kept, "utf8");
  } catch {
    const code = bundle(join(sources, "main.ts"));
    keep(kept, code);
    return code;
  }
}

function bundle(source: string): string {
  const esbuild = resolve(dirname(createRequire(import.meta.url).resolve("esbuild")), "../bin/esbuild");
  const how = ["--bundle", "--platform=node", "--format=esm", "--target=node24", "--log-level=warning"];
  return execFileSync(esbuild, [source, ...how], { encoding: "utf8" });
}

function keep(file: string, code: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // the tree is somebody else's: it is made anew each time
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, settings = "{}"] = process.argv.slice(2);
  if (file === undefined) throw new Error("usage: node test/kiro-cli/bundle.ts <file> [settings as JSON]");
  bundleKiroCli(resolve(file), { settings: JSON.parse(settings) as Record<string, unknown> });
}
