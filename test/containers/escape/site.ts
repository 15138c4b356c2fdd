import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL_VERSION, type Response } from "@nanoclaw/agent-runner/protocol";
import { homePaths, installId } from "../../../src/home.ts";
import { openSite, type Site } from "../../system/site.ts";
import { until } from "../../system/until.ts";
import type { TestEngine } from "../engine.ts";

/** A word that stands only where the attacker must not read. */
export const CANARY = "CANARY-5d1c7e";
/** Finds the word, and not the search for it. */
export const CANARY_PATTERN = "CANARY-5d1c[7]e";

export interface ShellResult {
  code: number;
  out: string;
}

/** A turn of a group whose agent was taken over: a shell inside its container. */
export interface Agent {
  turn: string;
  container: string;
  /** Standard output and error together. */
  sh(script: string): Promise<ShellResult>;
  /** A request as the MCP server writes it, with what the attacker changes. */
  request(tool: string, args: unknown, changes?: object, id?: string): Promise<Response>;
  /** Leaves a file in the requests folder, whole or not at all. */
  put(name: string, content: string): Promise<void>;
  response(id: string): Promise<Response>;
  /** Resolves to everything that the turn said in its chat. */
  answer(text: string): Promise<string[]>;
}

/** A host on the real engine, some groups, and things outside of all homes that must stay as they are. */
export interface EscapeSite extends AsyncDisposable {
  site: Site;
  install: string;
  /** A folder of the host's user that no container has. */
  outside: string;
  group(folder: string, settings?: object): Promise<void>;
  takeOver(folder: string): Promise<Agent>;
}

export const newRequestId = (): string => randomBytes(8).toString("hex");

export async function openEscapeSite(
  engine: TestEngine,
  settings: Record<string, string> = {},
  home?: string,
  env?: Record<string, string>,
): Promise<EscapeSite> {
  const site = await openSite({
    ...(env === undefined ? {} : { env }),
    // Nothing here stops by itself: the host need not wait for it.
    settings: { ...engine.settings(await hostileImage(engine)), NANOCLAW_STOP_BUDGET: "1000", ...settings },
    ...(home === undefined ? {} : { home }),
  });
  const install = installId(homePaths(site.home));
  const outside = mkdtempSync(join(tmpdir(), "nanoclaw-outside-"));
  mkdirSync(join(outside, "deep"));
  for (const path of ["secret.json", "deep/secret.json"]) writeFileSync(join(outside, path), `"${CANARY} outside"`);
  return {
    ...{ site, install, outside },
    group: async (folder, own = {}) => {
      await site.ask("POST", "/control/groups", { name: folder, folder, settings: own });
    },
    takeOver: (folder) => takeOver(site, folder),
    [Symbol.asyncDispose]: async () => {
      await site.stop();
      await engine.removeAll(install);
      await site[Symbol.asyncDispose]();
      rmSync(outside, { recursive: true });
    },
  };
}

/** The agent's image with a runner that does what the test says. */
async function hostileImage({ image, ask, run }: TestEngine): Promise<string> {
  const context = fileURLToPath(new URL("image", import.meta.url));
  const hash = createHash("sha256").update(await run("image", "inspect", "--format={{.Id}}", image));
  for (const name of ["Dockerfile", "runner.mjs"]) hash.update(readFileSync(join(context, name)));
  const tag = `nanoclaw-test:escape-${hash.digest("hex").slice(0, 16)}`;
  if ((await ask("image", "inspect", tag)).code !== 0) {
    await run("build", "--quiet", "--network=none", `--build-arg=BASE_IMAGE=${image}`, `--tag=${tag}`, context);
  }
  return tag;
}

async function takeOver(site: Site, folder: string): Promise<Agent> {
  const seq = await site.say("wake up", folder);
  const openTurns = () =>
    site.ledger("SELECT id, attempts FROM turns WHERE folder = ? AND status = 'running' ORDER BY rowid", folder);
  await until(() => openTurns().some((row) => existsSync(ordersOf(site, folder, row, "input"))));
  const row = openTurns()[0] ?? {};
  const turn = String(row["id"]);
  const orders = (name: string) => ordersOf(site, folder, row, name);
  let count = 0;
  const order = (what: object): string => {
    const path = orders(String((count += 1)));
    writeFileSync(`${path}.new`, JSON.stringify(what));
    renameSync(`${path}.new`, path);
    return `${path}.done`;
  };
  const sh = async (script: string) => {
    const done = order({ script });
    await until(() => existsSync(done));
    return JSON.parse(readFileSync(done, "utf8")) as ShellResult;
  };
  const put = async (name: string, content: string) => {
    const encoded = Buffer.from(content).toString("base64");
    const path = `/workspace/ipc/requests`;
    const script = `echo ${encoded} | base64 -d > ${path}/.put && mv ${path}/.put ${path}/${quoted(name)}`;
    const { code, out } = await sh(script);
    if (code !== 0) throw new Error(out);
  };
  const response = async (id: string) => {
    const path = site.path("ipc", folder, "responses", `${id}.json`);
    await until(() => existsSync(path));
    return JSON.parse(readFileSync(path, "utf8")) as Response;
  };
  return {
    ...{ turn, container: `nanoclaw-${folder}-${turn}`, sh, put, response },
    request: async (tool, args, changes = {}, id = newRequestId()) => {
      const own = { protocol: PROTOCOL_VERSION, turn, attempt: row["attempts"], chat: `local:${folder}`, tool, args };
      await put(`${id}.json`, JSON.stringify({ ...own, ...changes }));
      return response(id);
    },
    answer: (text) => {
      order({ answer: text });
      return site.answered(seq);
    },
  };
}

const ordersOf = (site: Site, folder: string, turn: Record<string, unknown>, name: string): string =>
  site.path("groups", folder, "orders", `${String(turn["id"])}-${String(turn["attempts"])}`, name);

export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
