import type { Readable, Writable } from "node:stream";
import type { ErrorClass } from "@nanoclaw/agent-runner/protocol";
import type { Folder, TurnId } from "../domain/ids.ts";

/** Where a group's things lie on the host. */
export interface GroupPaths {
  group: string;
  global: string;
  extra: string;
  /** `ipc/<folder>`, with the exchange folders below it. */
  ipc: string;
  home: string;
  /** Media that arrived; written by the host alone. */
  inbox: string;
}

/** What one run may use. Sizes are bytes. A runtime without isolation cannot hold them. */
export interface ResourceLimits {
  memory: number;
  cpus: number;
  pids: number;
  shm: number;
  fileSize: number;
  network: "bridge" | "none";
}

/** A folder of the host, seen inside. */
export interface Mount {
  source: string;
  target: string;
  readonly: boolean;
  /** The user inside writes there: the host gives the folder to that user. */
  owned: boolean;
  /** A folder of the person's own: it is never made, and its mode stays. */
  persons?: boolean;
}

export interface LaunchSpec {
  turn: TurnId;
  attempt: number;
  folder: Folder;
  paths: GroupPaths;
  /** IANA zone, as `TZ` inside. */
  zone: string;
  oneShot: boolean;
  limits: ResourceLimits;
  /** What the agent needs beside the group's own folders; one with the target of a usual mount takes its place. */
  mounts: readonly Mount[];
  /** The agent's home where nothing is mounted; null: the person's own. */
  agentHome: string | null;
}

/** How a process or container ended. `code` and `signal` are null when nobody could see it. */
export interface Exit {
  code: number | null;
  signal: string | null;
  /** The container engine went away while it ran: the end says nothing about the runner. */
  lostEngine?: boolean;
}

/** A runner that was started or found again. */
export interface Running {
  /** JSON by which `find` recognises it after the host's death. */
  handle: unknown;
  /**
   * Null when it was found again: its input was written by an earlier host, or it is gone by itself.
   * A runner that is gone makes a write fail; none of the streams throws an `error` at nobody.
   */
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  /**
   * Resolves when process or container is gone, and of a launched one everything it started that
   * `signal` reaches. Never rejects.
   */
  exited: Promise<Exit>;
  /** Asks (TERM) or forces (KILL) it and everything it started to end. Never throws. */
  signal(kind: "TERM" | "KILL"): void;
}

/**
 * Where turns run. Implementations never touch what another installation started.
 */
export interface Runtime {
  readonly name: "host" | "docker";
  /**
   * Starts the runner and returns as soon as it exists; it does nothing before it gets its input.
   * @throws {LaunchError} with the class of what is missing.
   */
  launch(spec: LaunchSpec): Promise<Running>;
  /**
   * What an earlier host started, when it is still alive.
   * @throws {LaunchError} class `engine-down` when that cannot be known now.
   */
  find(handle: unknown): Promise<Running | undefined>;
  /** Removes whatever a run that ended may have left. May be repeated. Never throws. */
  clear(handle: unknown): Promise<void>;
  /**
   * Removes what this installation started and nobody works on any more; `keep` are the handles of
   * what somebody does. @throws {LaunchError} when the engine is down.
   */
  sweep(keep: readonly unknown[]): Promise<void>;
}

export class LaunchError extends Error {
  override name = "LaunchError";
  readonly class: ErrorClass;
  /** What the person is told, where the class's own words say it badly. */
  say?: string;
  constructor(errorClass: ErrorClass, message: string, options?: ErrorOptions) {
    super(message, options);
    this.class = errorClass;
  }
}
