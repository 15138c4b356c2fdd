import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { startWhatsAppServer, type ServerOptions, type WhatsAppServer } from "../whatsapp-server/whatsapp-server.ts";
import { nanoclaw, type Command } from "./command.ts";
import { until } from "./until.ts";

/** A line of `auth --json`. */
export interface AuthLine {
  type: string;
  text: string;
  qr?: string;
  code?: string;
  picture?: string;
  textFile?: string;
  number?: string;
  hostRuns?: boolean;
}

/** `auth --json` while it runs. */
export interface Auth extends AsyncDisposable {
  command: Command;
  lines(): AuthLine[];
  types(): string[];
  /** Resolves to the newest line of this type; rejects when the command ends without one. */
  line(type: string): Promise<AuthLine>;
  /** Resolves to what it told in the end: the exit code, and standard error. */
  end(): Promise<{ exit: number | string; error: string }>;
}

/** A home, and a WhatsApp server that it is sent to. */
export interface WhatsAppSite extends AsyncDisposable {
  server: WhatsAppServer;
  home: string;
  path(...parts: string[]): string;
  run(args: string[], env?: Record<string, string>): Command;
  auth(args?: string[], env?: Record<string, string>): Auth;
  /** Links it by QR code. */
  link(args?: string[]): Promise<void>;
  /** Rows of `state.db` as they stand on the disk. */
  state(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
}

export async function openWhatsAppSite(options: ServerOptions = {}): Promise<WhatsAppSite> {
  const server = await startWhatsAppServer(options);
  const home = mkdtempSync(join(tmpdir(), "nanoclaw-whatsapp-"));
  const path = (...parts: string[]) => join(home, ...parts);
  const run = (args: string[], env: Record<string, string> = {}) =>
    nanoclaw(home, args, { env: { NANOCLAW_WHATSAPP_URL: server.url, ...env } });
  const auth = (args: string[] = [], env?: Record<string, string>) => watchAuth(run(["auth", "--json", ...args], env));
  return {
    ...{ server, home, path, run, auth },
    link: async (args = []) => {
      await using linking = auth(args);
      await server.scanQr((await linking.line("qr")).qr ?? "");
      const { exit, error } = await linking.end();
      if (exit !== 0) throw new Error(`it was not linked: ${error}`);
    },
    state: (sql, ...values) => {
      const database = new DatabaseSync(path("store", "auth", "state.db"), { readOnly: true });
      try {
        return database.prepare(sql).all(...values);
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function watchAuth(command: Command): Auth {
  const lines = () =>
    command
      .stdout()
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuthLine);
  const end = async () => ({ exit: await command.ended, error: command.stderr() });
  let isOver = false;
  void command.ended.then(() => (isOver = true));
  return {
    ...{ command, lines, end },
    types: () => lines().map(({ type }) => type),
    line: async (type) => {
      const find = () => lines().findLast((line) => line.type === type);
      await until(() => find() !== undefined || isOver);
      const found = find();
      if (found) return found;
      throw new Error(`it ended without "${type}": ${command.stdout()}${command.stderr()}`);
    },
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  };
}

/** Permission bits. */
export const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
