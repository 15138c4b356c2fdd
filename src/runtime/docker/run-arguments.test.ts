import { describe, expect, test } from "vitest";
import { MAIN, type Folder, type TurnId } from "../../domain/ids.ts";
import { homePaths } from "../../home.ts";
import type { LaunchSpec } from "../runtime.ts";
import { mountsOf } from "./mounts.ts";
import { runArguments } from "./run-arguments.ts";

const MiB = 1024 * 1024;

function specOf(folder: Folder, changes: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    turn: "0123456789ab" as TurnId,
    attempt: 3,
    folder,
    paths: homePaths("/srv/nanoclaw").group(folder),
    zone: "Europe/Berlin",
    oneShot: true,
    mounts: [],
    agentHome: null,
    limits: { memory: 2048 * MiB, cpus: 2, pids: 512, shm: 256 * MiB, fileSize: 1024 * MiB, network: "bridge" },
    ...changes,
  };
}

const facts = { install: "5eed", image: "nanoclaw-agent:latest", user: "1001:1002", network: "nanoclaw-5eed" };
const argumentsOf = (spec: LaunchSpec) => runArguments(spec, facts, mountsOf(spec));

describe("the arguments of `docker run`", () => {
  test("are these for the main group, and no others", () => {
    expect(argumentsOf(specOf(MAIN))).toEqual([
      "run",
      "--rm",
      "--interactive",
      "--sig-proxy=false",
      "--pull=never",
      "--name=nanoclaw-main-0123456789ab",
      "--label=com.nanoclaw.install=5eed",
      "--label=com.nanoclaw.group=main",
      "--label=com.nanoclaw.turn=0123456789ab",
      "--user=1001:1002",
      "--init",
      "--cap-drop=ALL",
      "--security-opt=no-new-privileges",
      "--read-only",
      "--tmpfs=/tmp:rw,nosuid,nodev,size=268435456",
      "--log-driver=none",
      "--memory=2147483648",
      "--memory-swap=2147483648",
      "--cpus=2",
      "--pids-limit=512",
      "--shm-size=268435456",
      "--ulimit=fsize=1073741824",
      "--network=nanoclaw-5eed",
      "--workdir=/workspace/group",
      "--env=HOME=/home/node",
      "--env=NANOCLAW_REAL_HOME=/home/node",
      "--env=NANOCLAW_GROUP_DIR=/workspace/group",
      "--env=NANOCLAW_IPC_DIR=/workspace/ipc",
      "--env=NANOCLAW_GLOBAL_DIR=/workspace/global",
      "--env=NANOCLAW_EXTRA_DIR=/workspace/extra",
      "--env=NANOCLAW_AGENT_ONE_SHOT=true",
      "--env=NANOCLAW_IN_DOCKER=1",
      "--env=TZ=Europe/Berlin",
      "--mount=type=bind,source=/srv/nanoclaw/groups/main,target=/workspace/group",
      "--mount=type=bind,source=/srv/nanoclaw/groups/main/.kiro,target=/workspace/group/.kiro,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/groups/main/.kiro/steering,target=/workspace/group/.kiro/steering",
      "--mount=type=bind,source=/srv/nanoclaw/data/inbox/main,target=/workspace/group/inbox,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/groups/global,target=/workspace/global",
      "--mount=type=bind,source=/srv/nanoclaw/groups/extra,target=/workspace/extra",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main,target=/workspace/ipc,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main/requests,target=/workspace/ipc/requests",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main/responses,target=/workspace/ipc/responses,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main/journal,target=/workspace/ipc/journal",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main/input,target=/workspace/ipc/input,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/ipc/main/outgoing,target=/workspace/ipc/outgoing",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main,target=/home/node",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.kiro,target=/home/node/.kiro",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.kiro/agents,target=/home/node/.kiro/agents,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.kiro/settings,target=/home/node/.kiro/settings,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.kiro/hooks,target=/home/node/.kiro/hooks,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.local,target=/home/node/.local",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.local/share,target=/home/node/.local/share",
      "--mount=type=bind,source=/srv/nanoclaw/data/kiro/main/.local/share/kiro-cli,target=/home/node/.local/share/kiro-cli",
      "nanoclaw-agent:latest",
    ]);
  });

  test("of another group differ in its name and folders, and what is shared is not writable", () => {
    const other = argumentsOf(specOf("family" as Folder));
    const named = argumentsOf(specOf(MAIN)).map((argument) => argument.replaceAll("main", "family"));
    expect(other.filter((argument) => !named.includes(argument))).toEqual([
      "--mount=type=bind,source=/srv/nanoclaw/groups/global,target=/workspace/global,readonly",
      "--mount=type=bind,source=/srv/nanoclaw/groups/extra,target=/workspace/extra,readonly",
    ]);
    expect(other).toHaveLength(named.length);
  });

  test("follow the group's own limits, zone and network", () => {
    const limits = { memory: 64 * MiB, cpus: 0.5, pids: 16, shm: MiB, fileSize: 2 * MiB, network: "none" } as const;
    const own = argumentsOf(specOf(MAIN, { limits, zone: "Asia/Kolkata", oneShot: false }));
    const usual = argumentsOf(specOf(MAIN));
    expect(own.filter((argument) => !usual.includes(argument))).toEqual([
      "--memory=67108864",
      "--memory-swap=67108864",
      "--cpus=0.5",
      "--pids-limit=16",
      "--shm-size=1048576",
      "--ulimit=fsize=2097152",
      "--network=none",
      "--env=NANOCLAW_AGENT_ONE_SHOT=false",
      "--env=TZ=Asia/Kolkata",
    ]);
  });

  test("quote a path that the option's own syntax would take apart", () => {
    const paths = homePaths('/srv/a,readonly "b"').group(MAIN);
    expect(argumentsOf(specOf(MAIN, { paths }))).toContain(
      '--mount=type=bind,"source=/srv/a,readonly ""b""/groups/main",target=/workspace/group',
    );
  });
});
