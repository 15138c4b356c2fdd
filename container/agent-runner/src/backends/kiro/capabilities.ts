import { z } from "zod";
import { stripEscapes } from "./escapes.ts";

/** What this kiro-cli knows, by its own help. */
export const capabilitiesSchema = z.object({
  version: z.string().nullable(),
  /** Long flags of `chat`, with their dashes. */
  flags: z.array(z.string()),
  /** `--output-format stream-json`: the form that proves success and names the session. */
  streamJson: z.boolean(),
  /** Arguments that name an engine; null where this version cannot be told. */
  engines: z.object({ v2: z.array(z.string()).nullable(), classic: z.array(z.string()).nullable() }),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;

export function readCapabilities(versionSaid: string, help: string): Capabilities {
  const options = optionsIn(stripEscapes(help));
  const about = (flag: string): string => options.find(({ names }) => names.includes(flag))?.text ?? "";
  const engine = (names: readonly string[], value: string): string[] | null => {
    const flag = names.find((name) => about(name) !== "");
    if (flag !== undefined) return [flag];
    return new RegExp(`\\b${value}\\b`).test(about("--agent-engine")) ? ["--agent-engine", value] : null;
  };
  return {
    version: /\d+\.\d+\.\d+[\w.+-]*/.exec(stripEscapes(versionSaid))?.[0] ?? null,
    flags: [...new Set(options.flatMap(({ names }) => names))].sort(),
    streamJson: /\bstream-json\b/.test(about("--output-format")),
    engines: { v2: engine(["--v2"], "v2"), classic: engine(["--classic", "--legacy-ui", "--legacy-mode"], "v1") },
  };
}

interface Option {
  names: string[];
  /** All that the help says about it. */
  text: string;
}

/** The options of a help text, each from its own line to the next one's. */
function optionsIn(help: string): Option[] {
  const options: Option[] = [];
  for (const line of help.split("\n")) {
    const head = /^\s*((?:-\w,? *)?--[a-z][^\n]*?|-\w)(?: {2,}|$)/.exec(line)?.[1];
    if (head !== undefined) options.push({ names: longNames(head), text: line });
    const last = options.at(-1);
    if (head !== undefined || last === undefined) continue;
    last.text += `\n${line}`;
    last.names.push(...longNames(/\[(?:short )?alias(?:es)?: ([^\]]*)\]/.exec(line)?.[1] ?? ""));
  }
  return options;
}

const longNames = (text: string): string[] => text.match(/(?<![\w-])--[a-z][a-z0-9-]*/g) ?? [];
