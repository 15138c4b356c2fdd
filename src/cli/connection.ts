import { createParser } from "eventsource-parser";
import { lstatSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { createControlApp } from "../control/control-app.ts";
import { GroupError } from "../control/group-error.ts";
import type { Folder } from "../domain/ids.ts";
import { homePaths, keepPrivate, makeHome } from "../home.ts";
import { HomeInUseError } from "../main.ts";
import { movedInWords } from "../moving-in/report.ts";
import { takeOverOldHome } from "../moving-in/take-over.ts";
import { lockHome, type LockHolder } from "../store/home-lock.ts";
import { openStore, type Store } from "../store/store.ts";
import { versionsHere } from "../versions.ts";
import { CommandError } from "./outcome.ts";
import { logMovedIn } from "./tell-moved-in.ts";

export interface Answer {
  status: number;
  body: unknown;
}

/** The control API, of a running host or of the store alone. */
export interface Connection extends Disposable {
  /** A host works behind it. */
  live: boolean;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
}

/** Nobody listens on the home's socket. */
class NoHost extends Error {}

/** A host that works slowly answers within this, one that hangs never does. */
const PATIENCE_MS = 60_000;

/** It took the connection, and says nothing. */
export class HostSilentError extends CommandError {
  readonly holder: LockHolder | undefined;
  constructor(ms: number, holder: LockHolder | undefined) {
    const who = holder
      ? `The host (process ${holder.pid}, ${holder.what}, since ${new Date(holder.since).toISOString()})`
      : "The host";
    const end = holder ? `kill ${holder.pid}` : "end it";
    super(
      `${who} does not answer within ${ms / 1000} s: it hangs, or this machine is very busy. Its log: npm run nanoclaw -- logs. If it stays so: ${end}, and start it again with npm start (as a service: npm run nanoclaw -- service restart). Nothing that was received is lost.`,
    );
    this.holder = holder;
  }
}

/**
 * The running host of this home, or undefined.
 * @throws {HostSilentError} when it does not answer.
 */
export async function connectHost(
  config: Pick<Config, "home">,
  patienceMs = PATIENCE_MS,
): Promise<Connection | undefined> {
  const { socket } = homePaths(config.home);
  const live: Connection = {
    live: true,
    request: (method, path, body) => requestSocket(socket, method, path, body),
    [Symbol.dispose]: () => {},
  };
  try {
    assertOurs(socket);
    await answerWithin(patienceMs, socket, homePaths(config.home).store);
    return live;
  } catch (error) {
    if (error instanceof NoHost) return undefined;
    throw error;
  }
}

async function answerWithin(ms: number, socket: string, store: string): Promise<void> {
  const late = AbortSignal.timeout(ms);
  try {
    await requestSocket(socket, "GET", "/control/status", undefined, late);
  } catch (error) {
    if (late.aborted && !(error instanceof NoHost)) throw new HostSilentError(ms, holderOf(store));
    throw error;
  }
}

function holderOf(store: string): LockHolder | undefined {
  const locked = lockHome(store, "a nanoclaw command");
  if ("heldBy" in locked) return locked.heldBy;
  locked.lock[Symbol.dispose]();
  return undefined;
}

/**
 * The running host, or, when there is none, the store itself under the home's lock.
 * @throws {HomeInUseError} when another process has the home but serves no socket.
 */
export async function connect(config: Config, patienceMs = PATIENCE_MS): Promise<Connection> {
  for (let attempt = 1; ; attempt += 1) {
    const host = await connectHost(config, patienceMs);
    if (host) return host;
    try {
      return await openOffline(config);
    } catch (error) {
      // Another one is about to open its socket, or about to end.
      if (!(error instanceof HomeInUseError) || attempt === 20) throw error;
      await delay(250);
    }
  }
}

async function openOffline(config: Config): Promise<Connection> {
  const home = homePaths(config.home);
  makeHome(home);
  const locked = lockHome(home.store, "a nanoclaw command");
  if ("heldBy" in locked) throw new HomeInUseError(config.home, locked.heldBy);
  using opening = new DisposableStack();
  opening.use(locked.lock);
  const personsHome = process.env["HOME"] ?? homedir();
  const movedIn = await takeOverOldHome({ home, config, clock: systemClock, personsHome });
  if (movedIn) {
    process.stderr.write(movedInWords(movedIn));
    await logMovedIn(home, config, movedIn);
  }
  const store = opening.use(openStore(home.database));
  const parts = opening.move();
  const host = {
    running: false,
    pid: process.pid,
    startedAt: systemClock.now(),
    runtime: "",
    agent: "",
    channels: [],
    versions: versionsHere(),
  };
  const app = createControlApp({
    store,
    clock: systemClock,
    zone: config.zone,
    host: () => host,
    stopGroup: () => 0,
    purging: { traces: home.traces, gone: (folder) => whenNothingRan(store, folder) },
    onChange: () => {},
  });
  return {
    live: false,
    request: async (method, path, body) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await app.request(path.replace(/^\/control/, ""), init);
      return { status: response.status, body: await response.json() };
    },
    [Symbol.dispose]: () => parts.dispose(),
  };
}

/** What a host that died left running is ended by the next one alone. */
function whenNothingRan(store: Store, folder: Folder): Promise<void> {
  if (!store.turns.running().some((turn) => turn.folder === folder)) return Promise.resolve();
  const problem = `A turn of "${folder}" was at work when the host ended. Start it, which sees to that, and purge again: npm start`;
  return Promise.reject(new GroupError(problem));
}

/** @throws {CommandError} with the host's own words when it refused. */
export async function ask<T>(connection: Connection, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await connection.request(method, path, body);
  if (answer.status < 300) return answer.body as T;
  const { error } = (answer.body ?? {}) as { error?: string };
  throw new CommandError(error ?? `The host answered ${answer.status}.`);
}

export interface StreamEvent {
  event: string;
  data: string;
}

/**
 * Events of a local chat, until the signal aborts or the host goes away.
 * @throws {NoHost} when nobody listens.
 */
export async function* streamEvents(config: Config, path: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const response = await open(homePaths(config.home).socket, "GET", path, undefined, signal);
  if (response.statusCode !== 200) throw new CommandError(errorOf(await readAll(response)));
  const events: StreamEvent[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => events.push({ event: event ?? "message", data }) });
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      parser.feed(chunk as string);
      yield* events.splice(0);
    }
  } catch {
    // the connection broke or was given up; both end the stream
  }
}

async function requestSocket(
  socket: string,
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await open(socket, method, path, body, signal);
  const text = await readAll(response);
  return { status: response.statusCode ?? 500, body: parse(text) };
}

function open(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(payload ?? "") };
    // No agent: a kept connection to a host that was restarted meanwhile would fail the next request.
    const options = { socketPath: socket, agent: false, method, path, headers, ...(signal && { signal }) };
    const request = httpRequest(options, resolve);
    request.once("error", (error: NodeJS.ErrnoException) => {
      const nobody = error.code === "ENOENT" || error.code === "ECONNREFUSED";
      reject(nobody ? new NoHost(socket) : new CommandError(`The host did not answer: ${error.message}`));
    });
    request.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { error: text };
  }
}

const errorOf = (text: string): string => (parse(text) as { error?: string }).error ?? text;

/** A socket in a folder that others could have made might be theirs, and would get our words. */
function assertOurs(socket: string): void {
  if (lstatSync(dirname(socket), { throwIfNoEntry: false })) keepPrivate(dirname(socket));
}
