import { expect, test } from "vitest";
import { kiroEnvironment, kiroStores } from "./environment.ts";

const inside = {
  PATH: "/usr/bin",
  HOME: "/home/node",
  NANOCLAW_REAL_HOME: "/home/node",
  NANOCLAW_GROUP_DIR: "/workspace/group",
  NANOCLAW_KIRO_PROBE: "/app/kiro-probe.json",
  NANOCLAW_IN_DOCKER: "1",
  NODE_COMPILE_CACHE: "/cache",
  KIRO_HOME: "/elsewhere",
  KIRO_AGENT_ENGINE: "v3",
  KIRO_API_KEY: "inherited",
  TZ: "Europe/Berlin",
};

test("kiro-cli sees its home, the group's places and the turn's key; nothing that changes its ways", () => {
  expect(kiroEnvironment(inside, { KIRO_API_KEY: "ksk_1", OTHER: "secret" })).toEqual({
    PATH: "/usr/bin",
    HOME: "/home/node",
    NANOCLAW_REAL_HOME: "/home/node",
    NANOCLAW_GROUP_DIR: "/workspace/group",
    NANOCLAW_IN_DOCKER: "1",
    TZ: "Europe/Berlin",
    KIRO_API_KEY: "ksk_1",
    NO_COLOR: "1",
    KIRO_NO_AUTO_UPDATE: "1",
    KIRO_DISABLE_TELEMETRY: "1",
  });
  expect(kiroEnvironment(inside, {})).not.toHaveProperty("KIRO_API_KEY");
});

test("another home than the person's is another store, wherever theirs lies", () => {
  const env = kiroEnvironment(
    { HOME: "/home/ann", XDG_DATA_HOME: "/data/ann", NANOCLAW_REAL_HOME: "/nc/kiro/family" },
    {},
  );
  expect(env).toMatchObject({ HOME: "/nc/kiro/family", XDG_DATA_HOME: "/nc/kiro/family/.local/share" });
  expect(kiroStores(env, "linux").database).toBe("/nc/kiro/family/.local/share/kiro-cli/data.sqlite3");
  expect(kiroStores(env, "darwin").database).toBe("/nc/kiro/family/Library/Application Support/kiro-cli/data.sqlite3");
  const own = kiroEnvironment({ HOME: "/home/ann", XDG_DATA_HOME: "/data/ann", NANOCLAW_REAL_HOME: "/home/ann" }, {});
  expect(own).toMatchObject({ HOME: "/home/ann", XDG_DATA_HOME: "/data/ann" });
  expect(kiroStores(own, "linux")).toEqual({
    database: "/data/ann/kiro-cli/data.sqlite3",
    sessions: "/home/ann/.kiro/sessions/cli",
  });
  for (const none of ["", "relative"]) {
    expect(kiroStores({ ...own, XDG_DATA_HOME: none }, "linux").database).toBe(
      "/home/ann/.local/share/kiro-cli/data.sqlite3",
    );
  }
});
