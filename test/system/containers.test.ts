import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { nanoclaw, run } from "./command.ts";
import { systemClock } from "../../src/clock.ts";
import { buildCommand, checkoutSource, containerProblem, lookAtContainers } from "../../src/containers.ts";

const NANOCLAW_AGENT_IMAGE = "agent:test";

/** A client that answers `image inspect` as the script says, and has no containers. */
function client(script: string) {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-client-"));
  const NANOCLAW_DOCKER = join(folder, "docker");
  writeFileSync(NANOCLAW_DOCKER, `#!/bin/sh\ncase $1 in image) ${script} ;; version) echo 20.10.24 ;; esac\n`);
  chmodSync(NANOCLAW_DOCKER, 0o755);
  const settings = { NANOCLAW_DOCKER, NANOCLAW_AGENT_IMAGE };
  return {
    settings,
    home: join(folder, "home"),
    look: () => lookAtContainers(settings, process.env, systemClock),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const complains = (words: string) => `echo "${words}" >&2; exit 1`;
/** An image with these labels. */
const labels = (protocol: number, source = "0123") =>
  `echo '{"com.nanoclaw.protocol":"${protocol}","com.nanoclaw.source":"${source}"}'`;
const ours = labels(PROTOCOL_VERSION, checkoutSource());
const older = labels(0);

const states = [
  ["ready", ours, "", ""],
  ["other-source", labels(PROTOCOL_VERSION), "was made from other sources", " build -t agent:test "],
  ["other-version", older, "is of another version", " build -t agent:test "],
  ["no-image", complains("Error: No such image: agent:test"), "there is no image agent:test", " build -t agent:test "],
  ["no-engine", complains("Cannot connect to the Docker daemon"), "does not answer", ""],
  ["no-engine", complains("permission denied while trying to connect"), "does not answer", "usermod -aG docker"],
] as const;

describe("containers", () => {
  test.each(states)(
    "%s: is what an image with %j is, with the words and the command for it",
    async (kind, script, words, cure) => {
      using at = client(script);
      const state = await at.look();
      expect(state.kind).toBe(kind);
      const problem = containerProblem(state, at.settings);
      expect(problem?.detail ?? "").toContain(words);
      expect(problem?.cure ?? "").toContain(cure);
    },
  );

  test("a client that is not installed is another thing than an engine that does not answer", async () => {
    const settings = { NANOCLAW_DOCKER: "/nowhere/docker", NANOCLAW_AGENT_IMAGE };
    const state = await lookAtContainers(settings, process.env, systemClock);
    expect(state.kind).toBe("no-client");
    expect(containerProblem(state, settings)?.detail).toBe("/nowhere/docker is not installed");
  });

  test("the command that builds the image names it and the client", () => {
    expect(buildCommand({ NANOCLAW_DOCKER: "podman", NANOCLAW_AGENT_IMAGE })).toMatch(
      /^podman build -t agent:test \S*\/container$/,
    );
  });
});

describe("what a person is told of containers", { timeout: 60_000 }, () => {
  test.each([
    ["unset", ours, "  turns run   in containers, each turn in its own\n"],
    [
      "unset",
      older,
      "  turns run   as plain processes on this machine, without isolation: the image agent:test is of another version\n",
    ],
    ["docker", older, "  turns run   in containers; messages wait: the image agent:test is of another version\n"],
  ])("start, with the runtime %s and an image that says %j", async (runtime, script, line) => {
    using at = client(script);
    const env = { ...at.settings, ...(runtime === "docker" && { NANOCLAW_AGENT_RUNTIME: "docker" }) };
    await using host = nanoclaw(at.home, ["start"], { env });
    await host.says("Next: ");
    expect(host.stdout()).toContain(line);
    host.child.kill("SIGTERM");
    expect(await host.ended).toBe(0);
  });

  test.each([
    ["unset", ours, 0, /^ok +engine .* 20\.10\.24\nok +image .*\nok +runtime +docker/m],
    ["unset", older, 0, /^note +image .* of another version\n +-> .* build -t agent:test .*\nnote +runtime +host/m],
    ["docker", older, 1, /^WRONG +image .* of another version\n +-> .*\nWRONG +runtime +docker: messages wait/m],
    ["docker", complains("Cannot connect to the Docker daemon"), 1, /^WRONG +engine .*Cannot connect.*\n +-> /m],
  ])("doctor, with the runtime %s and an image that says %j", async (runtime, script, exit, lines) => {
    using at = client(script);
    const env = { ...at.settings, ...(runtime === "docker" && { NANOCLAW_AGENT_RUNTIME: "docker" }) };
    const said = await run(at.home, ["doctor"], { env });
    expect(said.stdout).toMatch(lines);
    expect(said.exit).toBe(exit);
  });
});
