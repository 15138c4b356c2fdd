import { once } from "node:events";
import { watch, type FSWatcher } from "node:fs";
import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { REQUEST_MAX_BYTES, responseSchema } from "../protocol/index.ts";
import type { ToolOutcome } from "../backends/backend.ts";

const FIRST_LOOK_MS = 20;
const SLOWEST_LOOK_MS = 250;

/**
 * Waits for the host's response file. It is left where it is: inside a container the folder is
 * read-only, and the host tidies up.
 */
export async function awaitResponse(
  folder: string,
  id: string,
  limitMs: number,
  signal?: AbortSignal,
): Promise<ToolOutcome> {
  const path = join(folder, `${id}.json`);
  const deadline = performance.now() + limitMs;
  using watcher = watchFolder(folder);
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, SLOWEST_LOOK_MS)) {
    const content = await readResponse(path);
    if (content !== undefined) return understand(content);
    if (signal?.aborted)
      return { ok: false, error: "The run was stopped while waiting. Whether this was done is unknown." };
    const left = deadline - performance.now();
    if (left <= 0) return unanswered(limitMs);
    await watcher.changeWithin(Math.min(wait, left), signal);
  }
}

function unanswered(limitMs: number): ToolOutcome {
  const seconds = limitMs / 1000;
  return { ok: false, error: `The host did not answer within ${seconds} s. Whether this was done is unknown.` };
}

interface FolderWatcher extends Disposable {
  /** Resolves at a change in the folder, after the given time, or at the signal, whichever is first. */
  changeWithin(ms: number, signal?: AbortSignal): Promise<void>;
}

// Events only make things sooner. They do not cross Docker Desktop's VM, and a machine can run out of watches.
function watchFolder(folder: string): FolderWatcher {
  const watcher = tryWatch(folder);
  return {
    async changeWithin(ms, signal) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), ms);
      const ended = AbortSignal.any(signal ? [controller.signal, signal] : [controller.signal]);
      const waits = [once(ended, "abort")];
      if (watcher) waits.push(once(watcher, "change", { signal: ended }).catch(() => []));
      if (!ended.aborted) await Promise.race(waits);
      clearTimeout(timer);
      controller.abort();
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

function tryWatch(folder: string): FSWatcher | undefined {
  try {
    return watch(folder).on("error", () => undefined);
  } catch {
    return undefined; // polling alone finds it, a little later
  }
}

/** The file's text, an empty text when it is larger than allowed, or nothing when it is not there yet. */
async function readResponse(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    return size > REQUEST_MAX_BYTES ? "" : await file.readFile("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function understand(content: string): ToolOutcome {
  const parsed = responseSchema.safeParse(parseJson(content));
  if (parsed.success) return parsed.data;
  return { ok: false, error: "The host's response could not be read. Whether this was done is unknown." };
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined; // not JSON: the schema says no
  }
}
