import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bundleKiroCli } from "../kiro-cli/bundle.ts";
import { contentOf, databaseOf, newPerson, type Person } from "../system/kiro-site.ts";
import type { Site, SiteOptions } from "../system/site.ts";
import { until } from "../system/until.ts";
import { openContainerSite, type ContainerSite } from "./container-site.ts";
import type { TestEngine } from "./engine.ts";

/** The last V1 that has no other engine, and what is in use today. */
export const V1 = { version: "2.5.0" };
export const V2 = { version: "2.29.0" };

/** The agent's image with a kiro-cli that simulates this; asked at build what it knows, as in the delivered one. */
export function kiroImage(engine: TestEngine, standIn: object = V2): Promise<string> {
  return derivedImage(engine, {
    dockerfile: "COPY kiro-cli /usr/local/bin/kiro-cli\nRUN ln -sf kiro-cli /usr/local/bin/kiro-cli-chat",
    file: (path) => bundleKiroCli(path, { settings: { ...standIn } }),
  });
}

/** The same with a note of every start of kiro-cli in `calls` of the group's folder. */
export async function notingImage(engine: TestEngine): Promise<string> {
  const script = '#!/bin/sh\necho "$*" 2>/dev/null >>/workspace/group/calls\nexec /usr/local/bin/real/kiro-cli "$@"\n';
  const dockerfile = `RUN cd /usr/local/bin && mkdir real && mv kiro-cli kiro-cli-chat real/
COPY kiro-cli /usr/local/bin/kiro-cli
RUN rm -f /workspace/group/calls`;
  const base = await kiroImage(engine);
  return derivedImage(
    { ...engine, image: base },
    { dockerfile, file: (path) => writeFileSync(path, script, { mode: 0o755 }) },
  );
}

interface Derived {
  dockerfile: string;
  /** Writes the file `kiro-cli` of the build. */
  file(path: string): void;
}

/** Named after its content, so that it is built once and never stale. */
async function derivedImage({ image, ask, run }: TestEngine, { dockerfile, file }: Derived): Promise<string> {
  const context = mkdtempSync(join(tmpdir(), "nanoclaw-image-"));
  try {
    file(join(context, "kiro-cli"));
    const probe = "RUN HOME=/tmp/probe node /app/kiro-probe.mjs /app/kiro-probe.json; rm -rf /tmp/probe";
    writeFileSync(join(context, "Dockerfile"), `FROM ${image}\n${dockerfile}\n${probe}\n`);
    const hash = createHash("sha256").update(await run("image", "inspect", "--format={{.Id}}", image));
    for (const name of ["Dockerfile", "kiro-cli"]) hash.update(readFileSync(join(context, name)));
    const tag = `nanoclaw-test:kiro-${hash.digest("hex").slice(0, 16)}`;
    if ((await ask("image", "inspect", tag)).code !== 0) {
      await run("build", "--quiet", "--network=none", `--tag=${tag}`, context);
    }
    return tag;
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** A person, a host of theirs with Kiro in containers, and what goes with them. */
export interface KiroContainers extends ContainerSite {
  person: Person;
}

export interface KiroOptions extends SiteOptions {
  /** What kiro-cli simulates, on the machine and in the image. */
  standIn?: object;
  /** Before the host starts. */
  prepare?: (person: Person) => unknown;
}

export async function openKiro(engine: TestEngine, options: KiroOptions = {}): Promise<KiroContainers> {
  const { standIn = V2, prepare, settings, ...others } = options;
  const person = newPerson({ ...standIn });
  await prepare?.(person);
  const image = settings?.["NANOCLAW_AGENT_IMAGE"] ?? (await kiroImage(engine, standIn));
  const opened = await openContainerSite(engine, {
    ...others,
    env: person.env,
    settings: { NANOCLAW_AGENT: "kiro", ...settings, NANOCLAW_AGENT_IMAGE: image },
  });
  return {
    ...opened,
    person,
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]();
      person[Symbol.dispose]();
    },
  };
}

/** The person is logged in before the host starts. */
export const loggedIn = { prepare: (person: Person) => person.login() };

/** Where Kiro inside has its home, on the host. */
export const kiroHomeOf = (site: Site, group = "main"): string => site.path("data", "kiro", group);

/** What the stand-in inside a group's containers simulates from now on. */
export function simulateIn(site: Site, group: string, settings: object): void {
  const path = join(kiroHomeOf(site, group), ".kiro-standin.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(settings), { mode: 0o644 });
}

/** Files below a folder in which one of these words stands. */
export function filesWith(folder: string, words: readonly string[]): string[] {
  if (!existsSync(folder)) return [];
  return Object.entries(contentOf(folder)).flatMap(([path, content]) =>
    words.some((word) => content.includes(word)) ? [path] : [],
  );
}

/** The rows of the person's login; a host or a kiro-cli may be writing them. */
export function loginRows(person: Person): Record<string, Record<string, string>> {
  using database = new DatabaseSync(databaseOf(person.home), { readOnly: true, timeout: 10_000 });
  const rows = database.prepare("SELECT key, value FROM auth_kv").all();
  return Object.fromEntries(
    rows.map(({ key, value }) => [String(key), JSON.parse(String(value)) as Record<string, string>]),
  );
}

/** Token values of the person's login as it is now. */
export const tokensOf = (person: Person): string[] =>
  Object.values(loginRows(person)).flatMap(({ access_token, refresh_token }) =>
    [access_token, refresh_token].filter((token) => token !== undefined),
  );

/** What the engine says of containers from here on. */
export interface Witness extends AsyncDisposable {
  /** Waits until so many have ended; to how many of them ran at the same time at most. */
  atOnce(ended: number): Promise<number>;
}

export function watchContainers({ program, env }: TestEngine, install: string): Witness {
  const since = String(Math.floor(Date.now() / 1000) - 1);
  const filters = [`label=com.nanoclaw.install=${install}`, "event=start", "event=die"].map((one) => `--filter=${one}`);
  const child = spawn(program, ["events", `--since=${since}`, ...filters, "--format={{.TimeNano}} {{.Action}}"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const events = () => said.split("\n").filter(Boolean).sort();
  return {
    atOnce: async (ended) => {
      await until(() => events().filter((line) => line.endsWith("die")).length >= ended);
      let running = 0;
      return Math.max(...events().map((line) => (running += line.endsWith("start") ? 1 : -1)));
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await closed;
    },
  };
}
