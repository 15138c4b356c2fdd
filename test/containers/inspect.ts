import type { TestEngine } from "./engine.ts";

interface Inspected {
  Name: string;
  HostConfig: Record<string, unknown>;
  Config: Record<string, unknown> & { Env: string[]; Labels: Record<string, string> };
  Mounts: { Type: string; Source: string; Destination: string; RW: boolean; Propagation: string }[];
  NetworkSettings: { Networks: object };
}

const hostConfig = [
  ...["NetworkMode", "AutoRemove", "RestartPolicy", "LogConfig", "Init", "Privileged"],
  ...["CapAdd", "CapDrop", "SecurityOpt", "ReadonlyRootfs", "Tmpfs", "GroupAdd", "Devices", "PortBindings"],
  ...["PidMode", "IpcMode", "UTSMode", "UsernsMode", "Binds", "VolumesFrom", "ExtraHosts", "OomKillDisable"],
  ...["Memory", "MemorySwap", "NanoCpus", "PidsLimit", "ShmSize", "Ulimits"],
] as const;

/** What `docker inspect` says of a container, as far as it is ours to decide; mounts as lines. */
export async function inspectContainer({ run }: TestEngine, container: string, home: string) {
  const [seen] = JSON.parse(await run("container", "inspect", container)) as [Inspected];
  const { User, WorkingDir, Entrypoint, Cmd, Tty, Env, Labels } = seen.Config;
  const mounts = seen.Mounts.map(
    ({ Type, Source, Destination, RW, Propagation }) =>
      `${Type} ${Source.replace(home, "HOME")} ${Destination} ${RW ? "rw" : "ro"} ${Propagation}`,
  );
  return {
    name: seen.Name,
    host: Object.fromEntries(hostConfig.map((key) => [key, seen.HostConfig[key]])),
    config: { User, WorkingDir, Entrypoint, Cmd, Tty },
    env: [...Env].sort(),
    labels: Labels,
    networks: Object.keys(seen.NetworkSettings.Networks),
    mounts: mounts.sort(),
  };
}
