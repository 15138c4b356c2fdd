import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import type { AgentFile } from "./agent-file.ts";
import type { KiroMode } from "./kiro-mode.ts";
import { personsPlaces } from "./kiro-places.ts";
import { plainImageHas, prepareAgent, type AgentOptions } from "./prepare-agent.ts";

function setup(changes: Partial<AgentOptions> = {}) {
  const home = temporary();
  const places = personsPlaces({ platform: "linux", env: {}, home });
  const own = join(places.kiro, "agents", "agent_config.json");
  mkdirSync(join(places.kiro, "agents"), { recursive: true });
  writeFileSync(own, JSON.stringify({ name: "mine", prompt: "Be kind.", mcpServers: { git: { command: "npx" } } }));
  utimesSync(own, 1, 1);
  const [groupHome, groupFolder] = [temporary(), temporary()];
  const options = (group: string, turn: string): AgentOptions => ({
    places,
    wanted: undefined,
    assistantName: "Andy",
    group: { folder: group, main: group === "main", mcp: [] },
    mode: { kind: "api-key" },
    runtime: "docker",
    mounts: [],
    groupHome: join(groupHome, group),
    groupFolder: join(groupFolder, group),
    hasCommand: plainImageHas,
    server: { command: "node", args: ["/app/mcp/main.mjs"] },
    identity: { ipc: "/workspace/ipc", turn, attempt: 2, chat: `local:${group}` },
    ...changes,
  });
  const inHome = (group: string) => join(groupHome, group, ".kiro", "agents");
  const inFolder = (group: string) => join(groupFolder, group, ".kiro", "agents");
  return { own, places, options, inHome, inFolder };
}

const fileIn = (folder: string) => JSON.parse(readFileSync(join(folder, "mine.json"), "utf8")) as AgentFile;

describe("the agent of a turn", () => {
  it("is each group's own, with that turn's identity", () => {
    const { options, inHome } = setup();
    for (const group of ["main", "family"]) expect(prepareAgent(options(group, `turn-${group}`)).name).toBe("mine");
    for (const group of ["main", "family"]) {
      expect(fileIn(inHome(group)).mcpServers["nanoclaw"]).toMatchObject({
        command: "node",
        env: {
          NANOCLAW_IPC_DIR: "/workspace/ipc",
          NANOCLAW_TURN: `turn-${group}`,
          NANOCLAW_ATTEMPT: "2",
          NANOCLAW_CHAT_JID: `local:${group}`,
        },
      });
    }
    expect(Object.keys(fileIn(inHome("main")).mcpServers)).toEqual(["git", "nanoclaw"]);
    expect(Object.keys(fileIn(inHome("family")).mcpServers)).toEqual(["nanoclaw"]);
  });

  it("never changes the person's own, nor anything beside it", () => {
    for (const kind of ["api-key", "owner-login", "shared-home"] as const) {
      for (const runtime of ["docker", "host"] as const) {
        const { own, places, options } = setup({ mode: { kind } as KiroMode, runtime });
        const before = readFileSync(own);
        prepareAgent(options("main", "t"));
        expect(readFileSync(own).equals(before)).toBe(true);
        expect(statSync(own).mtimeMs).toBe(1000);
        expect(readdirSync(join(places.kiro, "agents"))).toEqual(["agent_config.json"]);
      }
    }
  });

  it("lies in the working folder where Kiro gets the person's home", () => {
    const { options, inHome, inFolder } = setup({ mode: { kind: "owner-login" }, runtime: "host" });
    prepareAgent(options("main", "t"));
    expect(fileIn(inFolder("main")).prompt).toBe("Be kind.");
    expect(() => readdirSync(inHome("main"))).toThrow("ENOENT");
  });

  it("lies in the group's home everywhere else", () => {
    for (const [kind, runtime] of [
      ["owner-login", "docker"],
      ["shared-home", "docker"],
      ["api-key", "host"],
    ] as const) {
      const { options, inHome } = setup({ mode: { kind }, runtime });
      prepareAgent(options("main", "t"));
      expect(readdirSync(inHome("main"))).toEqual(["mine.json"]);
    }
  });

  it("knows which programs the image has", () => {
    expect(["npx", "/usr/local/bin/node", "/bin/sh"].every(plainImageHas)).toBe(true);
    expect(["uvx", "/Users/ann/bin/node", "./node", "node; rm", "nodes"].some(plainImageHas)).toBe(false);
  });
});
