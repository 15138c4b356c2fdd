import { constants } from "node:fs";
import { open, realpath, rename, rm, type FileHandle } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { OUTGOING_MAX_BYTES } from "../protocol/index.ts";

export interface OutgoingPlaces {
  ipcDir: string;
  /** Where files may be sent from; the first is the working folder. */
  folders: readonly string[];
}

/** Copies of files on their way to the host, which reads nothing of the agent's folders itself. */
export interface OutgoingFiles {
  /** Puts a copy where the host looks for the file of this request. @returns why that cannot be, in words. */
  copy(path: string, id: string): Promise<string | undefined>;
  /** The request was never asked. */
  discard(id: string): Promise<void>;
}

/** Of the environment that the host gives a runner and its MCP server. */
export const sendingFolders = (env: Readonly<Record<string, string | undefined>>): string[] =>
  ["NANOCLAW_GROUP_DIR", "NANOCLAW_GLOBAL_DIR", "NANOCLAW_EXTRA_DIR"].flatMap((name) => env[name] || []);

export function createOutgoingFiles({ ipcDir, folders }: OutgoingPlaces): OutgoingFiles {
  const at = (name: string) => join(ipcDir, "outgoing", name);
  return {
    copy: async (path, id) => {
      const found = await find(path, folders);
      if ("problem" in found) return found.problem;
      const file = await openFile(found.path).catch((error: unknown) => `${quote(path)} ${why(error)}`);
      if (typeof file === "string") return file;
      await using source = file;
      const problem = await unfit(source);
      if (problem !== undefined) return `${quote(path)} ${problem}`;
      const temporary = at(`.${id}.tmp`);
      try {
        if (!(await copyWithin(source, temporary))) return `${quote(path)} ${TOO_LARGE}`;
        await rename(temporary, at(id));
        return undefined;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    discard: (id) => rm(at(id), { force: true }),
  };
}

const TOO_LARGE = `is larger than the ${OUTGOING_MAX_BYTES} bytes that can be sent`;
const quote = (path: string): string => JSON.stringify(path);

async function find(path: string, folders: readonly string[]): Promise<{ path: string } | { problem: string }> {
  const [working] = folders;
  if (working === undefined) return { problem: "no files can be sent from here" };
  let real: string;
  try {
    real = await realpath(resolve(working, path));
  } catch (error) {
    return { problem: `${quote(path)} ${why(error)}` };
  }
  for (const folder of folders) {
    const inside = relative(await realpath(folder).catch(() => folder), real);
    if (inside !== "" && inside !== ".." && !inside.startsWith("../") && !isAbsolute(inside)) return { path: real };
  }
  return {
    problem: `${quote(path)} lies outside of your working folder, the global and the extra folder; copy it first`,
  };
}

const openFile = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

function why(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return "is not there";
  if (code === "EACCES" || code === "EPERM") return "cannot be read: permission denied";
  return `cannot be read: ${message}`;
}

async function unfit(file: FileHandle): Promise<string | undefined> {
  const stat = await file.stat();
  if (stat.isDirectory()) return "is a folder; pack it into one file first";
  if (!stat.isFile()) return "is no regular file";
  if (stat.size === 0) return "is empty";
  return stat.size > OUTGOING_MAX_BYTES ? TOO_LARGE : undefined;
}

const CHUNK_BYTES = 1024 * 1024;

/** @returns false when it grew beyond the limit meanwhile. */
async function copyWithin(source: FileHandle, target: string): Promise<boolean> {
  await using copy = await open(target, "wx", 0o600);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let total = 0; total <= OUTGOING_MAX_BYTES;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return true;
    await copy.writeFile(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return false;
}
