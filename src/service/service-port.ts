export type Platform = "macos" | "linux";

export interface ProgramResult {
  /** 127: there is no such program. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface ServiceOptions {
  platform: Platform;
  /** NANOCLAW_HOME, absolute. */
  home: string;
  /** Of the program. */
  root: string;
  /** Absolute path of the Node that the service is to run. */
  node: string;
  /** The person's: `HOME`, `PATH`, and where other programs' things are. */
  env: NodeJS.ProcessEnv;
  run(program: string, args: readonly string[]): Promise<ProgramResult>;
  /** Default: who runs this process. */
  uid?: number;
}

export interface ServiceStatus {
  kind: "not-installed" | "stopped" | "running" | "no-manager";
  pid: number | null;
  detail: string;
  cure?: string;
  /** The file differs from what `install` would write now, or names what is gone. */
  stale: boolean;
}

/** NanoClaw as a service of this person. Every step may be repeated. */
export interface Service {
  /** As `install` would write it now. */
  readonly file: { path: string; text: string };
  /** Writes the file, and starts the service anew; resolves to what was done, in sentences. */
  install(): Promise<string[]>;
  /** Stops it and removes the file; the home stays as it is. */
  uninstall(): Promise<string[]>;
  start(): Promise<string[]>;
  /** Until it is started, or the person logs in the next time. */
  stop(): Promise<string[]>;
  restart(): Promise<string[]>;
  /** Never rejects for a machine without a manager of services: that is an answer. */
  status(): Promise<ServiceStatus>;
}
