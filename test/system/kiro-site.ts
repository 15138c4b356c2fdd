import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { openSite, type Site, type SiteOptions } from "./site.ts";

const execute = promisify(execFile);

/** A key that the stand-in's service takes. */
export const API_KEY = "ksk_0123456789abcdef";

/** A person of this machine, with a home of their own and kiro-cli installed. */
export interface Person extends Disposable {
  home: string;
  /** For a host of this person. */
  env: Record<string, string>;
  /** Runs the person's own kiro-cli in a terminal of theirs; to its output. */
  kiro(...args: string[]): Promise<string>;
  /** What the stand-in simulates from now on, on this machine. */
  simulate(settings: Record<string, unknown>): void;
  path(...parts: string[]): string;
  /** Writes a file of the person's, with the folders above it. */
  write(path: string, content: string): void;
}

export function newPerson(standIn: Record<string, unknown> = {}): Person {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-person-"));
  const [home, bin] = [join(root, "home"), join(root, "bin")];
  mkdirSync(home);
  const program = installKiroCli(bin);
  const env = { HOME: home, PATH: `${bin}:${process.env["PATH"] ?? ""}`, XDG_DATA_HOME: "" };
  const path = (...parts: string[]) => join(home, ...parts);
  const person: Person = {
    ...{ home, env, path },
    kiro: async (...args) => (await execute(program, args, { env: { ...process.env, ...env }, cwd: home })).stdout,
    simulate: (settings) => writeFileSync(join(bin, "kiro-standin.json"), JSON.stringify(settings)),
    write: (name, content) => {
      mkdirSync(join(path(name), ".."), { recursive: true });
      writeFileSync(path(name), content);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  person.simulate(standIn);
  return person;
}

/** A host of that person on the runtime without containers, with Kiro as its agent. */
export const openKiroSite = (person: Person, options: SiteOptions = {}): Promise<Site> =>
  openSite({ ...options, env: person.env, settings: { NANOCLAW_AGENT: "kiro", ...options.settings } });

/** Asks and waits for the answer; what several pieces say is joined. */
export const askKiro = async (site: Site, text: string, group = "main"): Promise<string> =>
  (await site.answered(await site.say(`!!anew!!${text}`, group))).join("\n");

/** Every prompt that V2's sessions of a group's own home hold. */
export function promptsOf(site: Site, group = "main"): string[] {
  const folder = site.path("data", "kiro", group, ".kiro", "sessions", "cli");
  const records = readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean));
  return records.filter((line) => line.includes('"Prompt"'));
}
