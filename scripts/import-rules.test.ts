import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
const cruiser = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
const reportSchema = z.object({
  summary: z.object({
    violations: z.array(
      z.object({
        from: z.string(),
        cycle: z.array(z.object({ name: z.string() })).default([]),
        rule: z.object({ name: z.string() }),
      }),
    ),
    ruleSetUsed: z.object({ forbidden: z.array(z.object({ name: z.string() })) }),
  }),
});

interface Found {
  /** "rule: file" for every file that has a part in it. */
  violations: string[];
  rules: string[];
}

/** A small house in which every arrow is allowed. */
const sound: Record<string, string> = {
  "bin/nanoclaw.mjs": `await import("../src/cli/main.ts");`,
  "src/cli/main.ts": `import { start } from "../main.ts"; start();`,
  "src/main.ts": `
    import { queue } from "./turns/queue.ts";
    import { local } from "./channels/local.ts";
    import { host } from "./runtime/host.ts";
    import { control } from "./control/control.ts";
    import { scheduler } from "./schedule/scheduler.ts";
    import { watcher } from "./ipc/watcher.ts";
    export const start = () => [queue, local, host, control, scheduler, watcher];`,
  "src/domain/ids.ts": `export type Id = string;`,
  "src/domain/decide.ts": `
    import type { Id } from "./ids.ts"; import type { Frame } from "@nanoclaw/agent-runner/protocol";
    export const decide = (id: Id, frame: Frame) => [id, frame];`,
  "src/store/store.ts": `import { decide } from "../domain/decide.ts"; export const store = decide;`,
  "src/channels/channel.ts": `import type { Id } from "../domain/ids.ts"; export interface Channel { id: Id }`,
  "src/channels/local.ts": `import type { Channel } from "./channel.ts"; export const local: Channel = { id: "" };`,
  "src/runtime/runtime.ts": `import type { Id } from "../domain/ids.ts"; export interface Runtime { id: Id }`,
  "src/runtime/supervise.ts": `import { frame } from "@nanoclaw/agent-runner/protocol"; export const watch = frame;`,
  "src/runtime/host.ts": `import type { Runtime } from "./runtime.ts"; import { watch } from "./supervise.ts";
    export const host: Runtime = { id: String(watch) };`,
  "src/turns/queue.ts": `
    import { store } from "../store/store.ts"; import { watch } from "../runtime/supervise.ts";
    import type { Runtime } from "../runtime/runtime.ts"; import type { Channel } from "../channels/channel.ts";
    export const queue = (runtime: Runtime, channel: Channel) => [store, watch, runtime, channel];`,
  "src/schedule/scheduler.ts": `import { store } from "../store/store.ts"; export const scheduler = store;`,
  "src/ipc/watcher.ts": `import { store } from "../store/store.ts"; export const watcher = store;`,
  "src/control/control.ts": `import { store } from "../store/store.ts"; import { a } from "a"; export const control = [store, a];`,
  "test/fake.ts": `export const fake = 1;`,
  "test/whole.test.ts": `import { start } from "../src/main.ts"; import { fake } from "./fake.ts"; start(fake);`,
  "container/agent-runner/package.json": `{ "name": "@nanoclaw/agent-runner", "type": "module",
    "exports": { "./protocol": "./src/protocol/index.ts" }, "dependencies": { "a": "1" } }`,
  "container/agent-runner/src/protocol/index.ts": `export type Frame = string; export const frame = 1;`,
  "container/agent-runner/src/main.ts": `import { frame } from "./protocol/index.ts"; import { a } from "a"; console.log(frame, a);`,
};

const packages: Record<string, string> = {
  "package.json": JSON.stringify({
    type: "module",
    dependencies: { a: "1", "@nanoclaw/agent-runner": "1" },
    devDependencies: { dev: "1" },
  }),
  ...Object.fromEntries(
    ["a", "dev", "unnamed"].flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" })],
      [`node_modules/${name}/index.js`, "export const a = 1, b = 2, d = 3;"],
    ]),
  ),
};

/** Each breaks one rule: its name, the file, and what is added to it. */
const violations: [rule: string, file: string, code: string][] = [
  ["room-config", "src/config.ts", `import { store } from "./store/store.ts"; export const config = store;`],
  ["room-clock", "src/clock.ts", `import { store } from "./store/store.ts"; export const clock = store;`],
  ["room-log", "src/log.ts", `import { store } from "./store/store.ts"; export const log = store;`],
  ["room-home", "src/home.ts", `import { queue } from "./turns/queue.ts"; export const home = queue;`],
  ["room-domain", "src/domain/ids.ts", `import type { store } from "../store/store.ts"; export type S = typeof store;`],
  [
    "room-store",
    "src/store/store.ts",
    `import type { Channel } from "../channels/channel.ts"; export type C = Channel;`,
  ],
  ["room-channels", "src/channels/local.ts", `import { store } from "../store/store.ts"; export const s = store;`],
  ["room-turns", "src/turns/queue.ts", `import { host } from "../runtime/host.ts"; export const h = host;`],
  ["room-runtime", "src/runtime/host.ts", `import { store } from "../store/store.ts"; export const s = store;`],
  ["room-kiro", "src/kiro/home.ts", `import { store } from "../store/store.ts"; export const kiro = store;`],
  ["room-schedule", "src/schedule/scheduler.ts", `import { queue } from "../turns/queue.ts"; export const q = queue;`],
  ["room-ipc", "src/ipc/watcher.ts", `import { local } from "../channels/local.ts"; export const l = local;`],
  ["room-control", "src/control/control.ts", `import { queue } from "../turns/queue.ts"; export const q = queue;`],
  ["room-console", "src/console/console.ts", `import { queue } from "../turns/queue.ts"; export const q = queue;`],
  ["room-backup", "src/backup/archive.ts", `import { queue } from "../turns/queue.ts"; export const b = queue;`],
  ["room-moving-in", "src/moving-in/plan.ts", `import { queue } from "../turns/queue.ts"; export const p = queue;`],
  ["room-retention", "src/retention/sweep.ts", `import { queue } from "../turns/queue.ts"; export const r = queue;`],
  ["room-setup", "src/setup/step.ts", `import { queue } from "../turns/queue.ts"; export const step = queue;`],
  ["room-service", "src/service/unit.ts", `import { queue } from "../turns/queue.ts"; export const unit = queue;`],
  ["room-cli", "src/cli/main.ts", `import { queue } from "../turns/queue.ts"; console.log(queue);`],
  [
    "room-agent-runner",
    "container/agent-runner/src/main.ts",
    `import type { Id } from "../../../src/domain/ids.ts"; const i: Id = ""; console.log(i);`,
  ],
  [
    "host-uses-protocol-only",
    "src/runtime/host.ts",
    `import * as runner from "../../container/agent-runner/src/main.ts"; console.log(runner);`,
  ],
  [
    "protocol-stands-alone",
    "container/agent-runner/src/protocol/index.ts",
    `import * as runner from "../main.ts"; console.log(runner);`,
  ],
  ["main-is-the-top", "src/turns/queue.ts", `import { start } from "../main.ts"; start();`],
  ["no-tests-in-product", "src/turns/queue.ts", `import { fake } from "../../test/fake.ts"; console.log(fake);`],
  ["domain-is-pure", "src/domain/decide.ts", `import { readFileSync } from "node:fs"; console.log(readFileSync);`],
  ["no-cycles", "src/domain/ids.ts", `import type { decide } from "./decide.ts"; export type D = typeof decide;`],
  ["not-resolvable", "src/turns/queue.ts", `import { gone } from "./gone.ts"; console.log(gone);`],
  ["named-in-package-json", "src/turns/queue.ts", `import { b } from "unnamed"; console.log(b);`],
  ["no-dev-dependency-in-product", "src/turns/queue.ts", `import { d } from "dev"; console.log(d);`],
  ["no-dead-host-module", "src/turns/dead.ts", `import { store } from "../store/store.ts"; export const dead = store;`],
  [
    "no-dead-runner-module",
    "container/agent-runner/src/dead.ts",
    `import { frame } from "./protocol/index.ts"; export const dead = frame;`,
  ],
  ["no-orphans", "test/alone.ts", `export const alone = 1;`],
];

describe("the import rules", () => {
  let found: { sound: Found; broken: Found };
  beforeAll(async () => {
    const broken = { ...sound };
    for (const [, file, code] of violations) broken[file] = `${broken[file] ?? ""}\n${code}\n`;
    found = { sound: await violationsIn(sound), broken: await violationsIn(broken) };
  }, 120_000);

  it("let a sound tree pass", () => {
    expect(found.sound.violations).toEqual([]);
  });

  it.each(violations)("%s is broken by a line in %s", (rule, file) => {
    expect(found.broken.violations).toContain(`${rule}: ${file}`);
  });

  it("are each proved by a violation", () => {
    expect(violations.map(([rule]) => rule).sort()).toEqual(found.sound.rules.sort());
  });
});

/** What the real check says of a tree of these files, as "rule: file". */
async function violationsIn(files: Record<string, string>): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "nanoclaw-imports-"));
  try {
    await cp(join(root, "tsconfig.json"), join(folder, "tsconfig.json"));
    await build(folder, { ...packages, ...files });
    const link = join(folder, "node_modules/@nanoclaw/agent-runner");
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(folder, "container/agent-runner"), link);
    return await cruise(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

function cruise(folder: string): Promise<Found> {
  const config = join(root, ".dependency-cruiser.js");
  const args = [cruiser, "--config", config, "--output-type", "json", "bin", "src", "container", "test"];
  return new Promise((resolve, reject) => {
    // It exits with 0 when it writes JSON, whatever it found.
    const whenDone = (error: Error | null, stdout: string) => {
      if (error) return reject(error);
      const { violations, ruleSetUsed } = reportSchema.parse(JSON.parse(stdout)).summary;
      resolve({
        violations: violations.flatMap(({ rule, from, cycle }) =>
          [from, ...cycle.map(({ name }) => name)].map((file) => `${rule.name}: ${file}`),
        ),
        rules: ruleSetUsed.forbidden.map(({ name }) => name),
      });
    };
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }, whenDone);
  });
}
