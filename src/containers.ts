import { readFileSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Settings } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import { imageState, type ImageState } from "./runtime/docker/docker.ts";
import { createEngine } from "./runtime/docker/engine.ts";
import { SOURCE_LABEL } from "./runtime/docker/image.ts";
import { networkName } from "./runtime/docker/network.ts";
import { INSTALL_LABEL } from "./runtime/docker/run-arguments.ts";

export type ContainerSettings = Pick<Settings, "NANOCLAW_DOCKER" | "NANOCLAW_AGENT_IMAGE">;

/** Whether turns can run in containers, and in those of this checkout. */
export type ContainerState = ImageState | { kind: "no-client" } | { kind: "other-source" };

export interface Problem {
  detail: string;
  /** A command, or what to do. */
  cure: string;
}

const CONTAINER = fileURLToPath(new URL("../container", import.meta.url));
const LOOK_MS = 15_000;

/** Never throws, and returns in seconds, whatever the engine does. */
export async function lookAtContainers(
  settings: ContainerSettings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<ContainerState> {
  const over = new AbortController();
  const late = clock.sleep(LOOK_MS, over.signal).then((): ImageState => {
    return { kind: "no-engine", detail: `${settings.NANOCLAW_DOCKER} did not come back within ${LOOK_MS / 1000} s` };
  });
  const state = await Promise.race([imageState(settings, env, clock), late]);
  over.abort();
  if (state.kind === "no-engine" && /cannot be run.*ENOENT/.test(state.detail)) return { kind: "no-client" };
  if (state.kind === "ready" && state.source !== checkoutSource()) return { kind: "other-source" };
  return state;
}

/** The stamp that an image built from this checkout carries. */
export function checkoutSource(): string | undefined {
  const dockerfile = readFileSync(`${CONTAINER}/Dockerfile`, "utf8");
  return new RegExp(`${SOURCE_LABEL.replaceAll(".", "\\.")}="([^"]*)"`).exec(dockerfile)?.[1];
}

/** What keeps turns from running in containers (or in those of this checkout), in words. */
export function containerProblem(state: ContainerState, settings: ContainerSettings): Problem | undefined {
  const { NANOCLAW_DOCKER: client, NANOCLAW_AGENT_IMAGE: image } = settings;
  const build = buildCommand(settings);
  switch (state.kind) {
    case "ready":
      return undefined;
    case "no-client":
      return {
        detail: `${client} is not installed`,
        cure: "install Docker (Debian, Ubuntu: apt-get install docker.io; macOS: Docker Desktop), or name the program in NANOCLAW_DOCKER",
      };
    case "no-engine":
      return {
        detail: "the container engine does not answer",
        cure: startEngine(client, state.detail),
      };
    case "no-image":
      return { detail: `there is no image ${image}`, cure: build };
    case "other-version":
      return { detail: `the image ${image} is of another version`, cure: build };
    case "other-source":
      return { detail: `the image ${image} was made from other sources than these`, cure: build };
    default:
      return state satisfies never;
  }
}

function startEngine(client: string, detail: string): string {
  if (/permission denied/i.test(detail)) return 'sudo usermod -aG docker "$USER", then log in again';
  if (client.endsWith("podman")) return `${client} info says why`;
  return process.platform === "darwin" ? "open -a Docker" : "sudo systemctl start docker";
}

export function buildCommand(settings: ContainerSettings): string {
  const path = relative(process.cwd(), CONTAINER);
  const context = path.startsWith("..") || isAbsolute(path) ? CONTAINER : `./${path}`;
  return [settings.NANOCLAW_DOCKER, ...buildArguments(settings, []).slice(0, -1), context].join(" ");
}

/** The same for a program, from wherever it is run. @param given `NAME=value` for the Dockerfile. */
export const buildArguments = (
  { NANOCLAW_AGENT_IMAGE }: Pick<ContainerSettings, "NANOCLAW_AGENT_IMAGE">,
  given: readonly string[],
): string[] => ["build", "-t", NANOCLAW_AGENT_IMAGE, ...given.flatMap((one) => ["--build-arg", one]), CONTAINER];

/** @throws {LaunchError} when the engine does not answer. */
export function askEngine({ NANOCLAW_DOCKER: program }: ContainerSettings, env: NodeJS.ProcessEnv, clock: Clock) {
  const engine = createEngine({ program, env, clock });
  return {
    version: () =>
      engine.need("version", "--format", program.endsWith("podman") ? "{{.Client.Version}}" : "{{.Server.Version}}"),
    /** What the image's kiro-cli told about itself when the image was built; undefined when it has none. */
    kiroProbe: async (image: string): Promise<string | undefined> => {
      const run = ["run", "--rm", "--pull=never", "--network=none", "--log-driver=none", "--entrypoint=cat"];
      const { code, stdout } = await engine.call(...run, image, "/app/kiro-probe.json");
      return code === 0 ? stdout : undefined;
    },
    /** For a home that is gone for good. */
    forget: async (install: string): Promise<void> => {
      await engine.call("network", "rm", networkName(install));
    },
    /** Whatever still runs in them is ended. */
    remove: async (names: readonly string[]): Promise<void> => void (await engine.need("rm", "--force", ...names)),
    /** Names of this installation's containers, in any state. */
    containers: async (install: string): Promise<string[]> => {
      const filter = `label=${INSTALL_LABEL}=${install}`;
      return (await engine.need("ps", "--all", "--filter", filter, "--format", "{{.Names}}"))
        .split("\n")
        .filter(Boolean);
    },
  };
}
