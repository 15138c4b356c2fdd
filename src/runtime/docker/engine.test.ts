import { describe, expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import { LaunchError } from "../runtime.ts";
import { classifyEngineError, createEngine, firstLines, isNameConflict, isNoSuchContainer } from "./engine.ts";

describe("what a client says", () => {
  test.each([
    [
      "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?.",
      "engine-down",
    ],
    ["docker: Got permission denied while trying to connect to the Docker daemon socket at unix:///s", "engine-down"],
    ['time="2026-01-01T00:00:00Z" level=error msg="error waiting for container: unexpected EOF"', "engine-down"],
    ["Error: unable to connect to Podman socket: dial unix: connection refused", "engine-down"],
    [
      "Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
      "engine-down",
    ],
    ["docker: Error response from daemon: No such image: nanoclaw-agent:latest.", "image-mismatch"],
    ["Unable to find image 'nanoclaw-agent:latest' locally", "image-mismatch"],
    ["Error: nanoclaw-agent:latest: image not known", "image-mismatch"],
    ["docker: Error response from daemon: mkdir /var/lib/docker/overlay2/x: no space left on device.", "disk"],
    [
      'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not exist',
      "crash",
    ],
    ["", "crash"],
  ])("%j is class %s", (said, expected) => {
    expect(classifyEngineError(said)).toBe(expected);
  });

  test("a name that is taken is known from what is no conflict", () => {
    const docker =
      'docker: Error response from daemon: Conflict. The container name "/n" is already in use by container';
    const podman = 'Error: creating container storage: the container name "n" is already in use by 5eed';
    expect([docker, podman].map(isNameConflict)).toEqual([true, true]);
    expect(isNameConflict("docker: Error response from daemon: network n not found.")).toBe(false);
  });

  test("a container that is gone is known in every client's words", () => {
    const said = [
      "Error: No such container: n",
      "Error response from daemon: No such container: n",
      "no container with name or ID",
    ];
    expect([...said, "Error: No such object: n"].map(isNoSuchContainer)).toEqual([true, true, true, true]);
  });

  test("is kept short, and what names the error comes first", () => {
    expect(firstLines("See 'docker run --help'.\nError: one\nerror two\nhint\nERROR three\nerror four")).toBe(
      "Error: one error two ERROR three",
    );
    expect(firstLines("x".repeat(10_000))).toHaveLength(500);
  });
});

describe("a call of the client", () => {
  const call = (program: string, ...args: string[]) =>
    createEngine({
      program,
      env: { PATH: process.env["PATH"], DOCKER_HOST: "unix:///h", KIRO_API_KEY: "k" },
      clock: systemClock,
    }).call(...args);

  test("brings output and exit code", async () => {
    expect(await call("sh", "-c", "echo out; echo err >&2; exit 3")).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("of a program that is not there says that no engine can be had", async () => {
    const failed = call("/nonexistent/docker", "ps");
    await expect(failed).rejects.toThrow(LaunchError);
    await expect(failed).rejects.toMatchObject({ class: "engine-down" });
  });

  test("passes on how to find the engine, and no secrets", async () => {
    const { stdout } = await call("sh", "-c", 'echo "$DOCKER_HOST $KIRO_API_KEY"');
    expect(stdout).toBe("unix:///h \n");
  });

  test("ends a client that does not come back in time", async () => {
    const engine = createEngine({ program: "sleep", env: { PATH: process.env["PATH"] }, clock: systemClock });
    expect(await engine.callWithin(50, "600")).toBeUndefined();
  });
});
