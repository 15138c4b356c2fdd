import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A link as other programs keep it: a folder with one JSON file for each key. */
export interface MultiFileLink {
  creds: string;
  account: string;
  keys: ReadonlyMap<string, string>;
  /** Files that were cut off while they were written. */
  damaged: readonly string[];
}

export type MultiFileRead =
  | { kind: "none" }
  | { kind: "link"; link: MultiFileLink }
  /** Its identity cannot be read, or no phone ever agreed to it. */
  | { kind: "useless"; reason: string };

const credsSchema = z.object({ me: z.object({ id: z.string().min(1) }), account: z.looseObject({}) });
const CREDS = "creds.json";

/** Reads what lies there and changes nothing. */
export function readMultiFileLink(folder: string): MultiFileRead {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map(({ name }) => name);
  if (!files.includes(CREDS)) return { kind: "none" };
  const creds = readFileSync(join(folder, CREDS), "utf8");
  const json = parse(creds);
  if (json === undefined) return { kind: "useless", reason: `${CREDS} is damaged` };
  const parsed = credsSchema.safeParse(json);
  if (!parsed.success) return { kind: "useless", reason: "its linking was never finished" };
  const keys = new Map<string, string>();
  const damaged: string[] = [];
  for (const file of files.filter((name) => name !== CREDS && !OURS.has(name))) {
    const text = readFileSync(join(folder, file), "utf8");
    if (parse(text) === undefined) damaged.push(file);
    else keys.set(file.slice(0, -".json".length), text);
  }
  return { kind: "link", link: { creds, account: parsed.data.me.id, keys, damaged } };
}

/** The name of who holds the lock. */
const OURS = new Set(["host.json"]);

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
