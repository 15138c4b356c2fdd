import {
  closeSync,
  constants,
  fchmodSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomName } from "../domain/ids.ts";
import type { AgentFile } from "./agent-file.ts";
import { inFolder } from "./held-folder.ts";

export interface AgentFilePlace {
  /** The group's home, or where Kiro gets the person's home the group's working folder. */
  base: string;
  /** The folder is ours alone: agents of other names, with what they may once have been given, are removed. */
  exclusive: boolean;
}

/**
 * Writes `<base>/.kiro/agents/<name>.json`, readable for the user inside. Whole or not at all, and
 * never through a link.
 * @throws when a folder on the way is none.
 */
export function writeAgentFile({ base, exclusive }: AgentFilePlace, agent: AgentFile): "written" | "same" {
  const content = `${JSON.stringify(agent, null, 2)}\n`;
  const name = `${agent.name}.json`;
  return inFolder(base, [".kiro", "agents"], (folder) => {
    removeOthers(folder, name, exclusive ? /./ : OURS);
    return place(folder, name, content);
  });
}

/** V1 renders Markdown for a terminal otherwise: code and links would arrive spoilt. */
const KIRO_SETTINGS = { "chat.disableMarkdownRendering": true, "telemetry.enabled": false };

/**
 * Writes `<base>/.kiro/settings/cli.json`; in a folder that is not ours alone, only where there is none.
 * @throws when a folder on the way is none.
 */
export function writeKiroSettings({ base, exclusive }: AgentFilePlace): "written" | "same" {
  return inFolder(base, [".kiro", "settings"], (folder) => {
    if (!exclusive && currentContent(join(folder, "cli.json")) !== undefined) return "same";
    return place(folder, "cli.json", `${JSON.stringify(KIRO_SETTINGS, null, 2)}\n`);
  });
}

function place(folder: string, name: string, content: string): "written" | "same" {
  if (currentContent(join(folder, name)) === content) return "same";
  const temporary = join(folder, `.${randomName(12)}.tmp`);
  writeNew(temporary, content);
  renameSync(temporary, join(folder, name));
  return "written";
}

/** In a folder that is not ours alone: files of an agent that had another name before. */
const OURS = /^nanoclaw-.*\.json$/;

function removeOthers(folder: string, name: string, which: RegExp): void {
  const others = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.name !== name && which.test(entry.name) && !entry.isDirectory(),
  );
  for (const other of others) unlinkSync(join(folder, other.name));
}

function currentContent(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // not there, or not ours: it is replaced
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function writeNew(path: string, content: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  try {
    fchmodSync(file, 0o644);
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
}
