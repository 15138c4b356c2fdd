import { mkdirSync, watch, type FSWatcher } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { requestIdSchema, type Response } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import { openFolder } from "./open-folder.ts";
import { keepNewest, quarantine } from "./quarantine.ts";
import { readRequestFile, removeName } from "./read-request.ts";
import { writeResponse } from "./responses.ts";

export interface IpcWatcherOptions {
  clock: Clock;
  log: Log;
  /** `ipc/<folder>` of each registered group. */
  folders(): { folder: Folder; path: string }[];
  errorsFolder: string;
  /** Groups were added or removed; file events use it, too. */
  wake: WakeUp;
  /** Executes a request of a folder; a throw means "not now, try again". */
  execute(folder: Folder, id: string, content: unknown): Response | Promise<Response>;
}

export interface IpcWatcher {
  start(): void;
  /** Finishes the pass that runs. May be repeated. */
  stop(): Promise<void>;
}

/** A net below the events, which do not cross the border of a virtual machine. */
const POLL_MS = 1_000;
/** Requests taken from one folder in a pass, so that a flood of one group starves nobody. */
const MOST_PER_PASS = 64;
/** Names of one folder that are put in order; no honest agent has as many. */
const MOST_SORTED = 1_000;
/** Names of one folder that are looked at in a pass: an agent can make more than fit into memory. */
const MOST_READ = 20_000;

/** Turns request files into effects and responses, folder by folder. */
export function createIpcWatcher(options: IpcWatcherOptions): IpcWatcher {
  const { clock, log, wake } = options;
  const stopping = new AbortController();
  const watchers = new Map<string, FSWatcher>();
  let loop: Promise<void> | undefined;

  const follow = (path: string) => {
    if (watchers.has(path)) return;
    try {
      const watcher = watch(path, () => wake.now());
      watcher.on("error", () => unfollow(path));
      watchers.set(path, watcher);
    } catch (error) {
      log.debug({ error: (error as Error).message }, "No events for a request folder, polling it");
    }
  };
  const unfollow = (path: string) => {
    watchers.get(path)?.close();
    watchers.delete(path);
  };

  const pass = async (): Promise<boolean> => {
    let more = false;
    const folders = options.folders().map(({ folder, path }) => ({ folder, path, requests: join(path, "requests") }));
    for (const path of watchers.keys()) if (!folders.some(({ requests }) => requests === path)) unfollow(path);
    for (const { folder, path, requests } of folders) {
      follow(requests);
      more = (await serveFolder(options, folder, path)) || more;
    }
    return more;
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      let more = false;
      try {
        more = await pass();
      } catch (error) {
        log.error({ error: (error as Error).message }, "Cannot serve requests, trying again");
      }
      if (!more) await clock.sleep(POLL_MS, AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  return {
    start: () => {
      for (const { path } of options.folders()) {
        mkdirSync(join(path, "requests"), { recursive: true });
        follow(join(path, "requests"));
      }
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      for (const path of watchers.keys()) unfollow(path);
    },
  };
}

/** @returns whether more waits than one pass takes. */
async function serveFolder(options: IpcWatcherOptions, folder: Folder, path: string): Promise<boolean> {
  const opened = await openFolder(join(path, "requests"));
  if (!opened) return false;
  await using requests = opened;
  const inOrder = await byAge(requests.path, await requestNames(requests.path).catch(() => []));
  const failures: string[] = [];
  for (const name of inOrder.slice(0, MOST_PER_PASS)) {
    const file = pathOf(requests.path, name);
    await serveOne(options, { folder, path, name, file }).catch((error: unknown) =>
      failures.push((error as Error).message),
    );
  }
  await keepNewest(options.errorsFolder);
  if (failures.length === 0) return inOrder.length > MOST_PER_PASS;
  const [error] = failures;
  options.log.error({ group: folder, failures: failures.length, error }, "Cannot serve requests, trying again");
  return false; // after a rest: a full disk is not made better by haste
}

/** Byte for byte, as latin1: a name need not be UTF-8, and one decoded with loss could never be taken away. */
async function requestNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  let read = 0;
  for await (const { name } of await opendir(folder, { encoding: "latin1", bufferSize: 256 })) {
    if (!name.startsWith(".")) names.push(name);
    read += 1;
    if (names.length === MOST_SORTED || read === MOST_READ) break;
  }
  return names;
}

const pathOf = (folder: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);

/** Oldest first: parts of an answer must not swap. */
async function byAge(folder: string, names: string[]): Promise<string[]> {
  if (names.length < 2) return names;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, age: (await lstat(pathOf(folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  return aged.sort((a, b) => a.age - b.age || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}

interface RequestFile {
  folder: Folder;
  /** `ipc/<folder>`. */
  path: string;
  name: string;
  file: Buffer;
}

async function serveOne(options: IpcWatcherOptions, { folder, path, name, file }: RequestFile): Promise<void> {
  const id = name.endsWith(".json") ? requestIdSchema.safeParse(name.slice(0, -".json".length)).data : undefined;
  const read = id === undefined ? undefined : await readRequestFile(file);
  if (read?.kind === "gone") return;
  const parsed = read?.kind === "content" ? parseJson(read.text) : undefined;
  if (id !== undefined && parsed) {
    const response = await options.execute(folder, id, parsed.value);
    await writeResponse(join(path, "responses"), id, response);
    await removeName(file);
    return;
  }
  const problem =
    read === undefined ? "its name is no request id" : read.kind === "refused" ? read.problem : "it is no JSON";
  await quarantine(
    { ...options, folder },
    {
      file,
      aside: join(path, "outgoing"),
      name,
      problem,
      text: read?.kind === "content" ? read.text : "",
    },
  );
  if (id !== undefined)
    await writeResponse(join(path, "responses"), id, { ok: false, error: `malformed request: ${problem}` });
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined; // the caller reports it
  }
}
