import { chownSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tempHome } from "../system/site.ts";
import { isRoot, plainUser } from "../system/processes.ts";
import { openContainerSite, type ContainerSite } from "./container-site.ts";
import { describeContainers, type TestEngine } from "./engine.ts";
import { inspectContainer } from "./inspect.ts";
import { startPlainHost } from "./plain-host.ts";

/** A turn of a group that runs until the site is closed, as the engine sees it. */
async function inspectTurn(engine: TestEngine, { site, container }: ContainerSite, group = "main") {
  site.behave("never-answers", group);
  await site.say("hello", group);
  const name = await container();
  const turn = name.split("-").at(-1) as string;
  return { turn, ...(await inspectContainer(engine, name, site.config.home)) };
}

const userOf = ({ config }: Awaited<ReturnType<typeof inspectTurn>>) => String(config.User);

await describeContainers("a turn as the engine sees it", (engine) => {
  test("is exactly this for the main group with the settings nobody changed", async () => {
    await using opened = await openContainerSite(engine);
    const seen = await inspectTurn(engine, opened);
    const { install } = opened;
    const network = `nanoclaw-${install.slice(0, 12)}`;
    expect(seen.name).toBe(`/nanoclaw-main-${seen.turn}`);
    expect(seen.networks).toEqual([network]);
    expect(seen.config).toEqual({
      User: expect.stringMatching(isRoot ? /^2\d{5}:2\d{5}$/ : `${process.getuid?.()}:${process.getgid?.()}`) as string,
      WorkingDir: "/workspace/group",
      Entrypoint: ["node", "/app/test/system/fixtures/runner.mjs"],
      Cmd: null,
      Tty: false,
    });
    expect(seen.host).toEqual({
      NetworkMode: network,
      AutoRemove: true,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      LogConfig: { Type: "none", Config: {} },
      Init: true,
      Privileged: false,
      CapAdd: null,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "rw,nosuid,nodev,size=268435456" },
      GroupAdd: null,
      Devices: [],
      PortBindings: {},
      PidMode: "",
      IpcMode: "private",
      UTSMode: "",
      UsernsMode: "",
      Binds: null,
      VolumesFrom: null,
      ExtraHosts: null,
      OomKillDisable: false,
      Memory: 2_147_483_648,
      MemorySwap: 2_147_483_648,
      NanoCpus: 2_000_000_000,
      PidsLimit: 512,
      ShmSize: 268_435_456,
      Ulimits: [{ Name: "fsize", Hard: 1_073_741_824, Soft: 1_073_741_824 }],
    });
    expect(seen.labels).toMatchObject({
      "com.nanoclaw.install": install,
      "com.nanoclaw.group": "main",
      "com.nanoclaw.turn": seen.turn,
      "com.nanoclaw.protocol": "1",
    });
    expect(seen.env.filter((each) => !/^(PATH|NODE_VERSION|YARN_VERSION)=/.test(each))).toEqual([
      "HOME=/home/node",
      "NANOCLAW_AGENT_ONE_SHOT=true",
      "NANOCLAW_EXTRA_DIR=/workspace/extra",
      "NANOCLAW_GLOBAL_DIR=/workspace/global",
      "NANOCLAW_GROUP_DIR=/workspace/group",
      "NANOCLAW_IN_DOCKER=1",
      "NANOCLAW_IPC_DIR=/workspace/ipc",
      // Said by the image itself.
      "NANOCLAW_KIRO_PROBE=/app/kiro-probe.json",
      "NANOCLAW_REAL_HOME=/home/node",
      "TZ=UTC",
    ]);
    expect(seen.mounts).toEqual([
      "bind HOME/data/inbox/main /workspace/group/inbox ro rprivate",
      "bind HOME/data/kiro/main /home/node rw rprivate",
      "bind HOME/data/kiro/main/.kiro /home/node/.kiro rw rprivate",
      "bind HOME/data/kiro/main/.kiro/agents /home/node/.kiro/agents ro rprivate",
      "bind HOME/data/kiro/main/.kiro/hooks /home/node/.kiro/hooks ro rprivate",
      "bind HOME/data/kiro/main/.kiro/settings /home/node/.kiro/settings ro rprivate",
      "bind HOME/data/kiro/main/.local /home/node/.local rw rprivate",
      "bind HOME/data/kiro/main/.local/share /home/node/.local/share rw rprivate",
      "bind HOME/data/kiro/main/.local/share/kiro-cli /home/node/.local/share/kiro-cli rw rprivate",
      "bind HOME/groups/extra /workspace/extra rw rprivate",
      "bind HOME/groups/global /workspace/global rw rprivate",
      "bind HOME/groups/main /workspace/group rw rprivate",
      "bind HOME/groups/main/.kiro /workspace/group/.kiro ro rprivate",
      "bind HOME/groups/main/.kiro/steering /workspace/group/.kiro/steering rw rprivate",
      "bind HOME/ipc/main /workspace/ipc ro rprivate",
      "bind HOME/ipc/main/input /workspace/ipc/input ro rprivate",
      "bind HOME/ipc/main/journal /workspace/ipc/journal rw rprivate",
      "bind HOME/ipc/main/outgoing /workspace/ipc/outgoing rw rprivate",
      "bind HOME/ipc/main/requests /workspace/ipc/requests rw rprivate",
      "bind HOME/ipc/main/responses /workspace/ipc/responses ro rprivate",
    ]);
  });

  test("of another group has its own folders, limits and network, and does not write what is shared", async () => {
    await using opened = await openContainerSite(engine);
    const [memory, shm, fileSize] = [128 * 2 ** 20, 32 * 2 ** 20, 64 * 2 ** 20];
    const settings = { memory, shm, fileSize, cpus: 0.5, pids: 64, network: "none", zone: "Asia/Kolkata" };
    await opened.site.ask("POST", "/control/groups", { name: "Family", folder: "family", settings });
    const seen = await inspectTurn(engine, opened, "family");
    expect(seen.name).toBe(`/nanoclaw-family-${seen.turn}`);
    expect(seen.labels["com.nanoclaw.group"]).toBe("family");
    expect(seen.networks).toEqual(["none"]);
    expect(seen.env).toContain("TZ=Asia/Kolkata");
    expect(seen.host).toMatchObject({
      NetworkMode: "none",
      Memory: memory,
      MemorySwap: memory,
      NanoCpus: 500_000_000,
      PidsLimit: 64,
      ShmSize: shm,
      Ulimits: [{ Name: "fsize", Hard: fileSize, Soft: fileSize }],
    });
    expect(seen.mounts.filter((mount) => !mount.includes("family"))).toEqual([
      "bind HOME/groups/extra /workspace/extra ro rprivate",
      "bind HOME/groups/global /workspace/global ro rprivate",
    ]);
    expect(seen.mounts).toHaveLength(20);
    expect(seen.mounts.filter((mount) => mount.includes("main"))).toEqual([]);
  });

  test("of the delivered image starts at its entry point", async () => {
    const found = await engine.run("image", "inspect", "--format={{json .Config.Entrypoint}}", engine.image);
    expect(JSON.parse(found)).toEqual(["/app/entrypoint.sh"]);
  });

  test("is on a bridge where containers do not reach each other", async () => {
    await using opened = await openContainerSite(engine);
    const { networks } = await inspectTurn(engine, opened);
    const format = "--format={{.Driver}} {{json .Options}} {{json .Labels}}";
    expect(await engine.run("network", "inspect", format, String(networks[0]))).toBe(
      `bridge {"com.docker.network.bridge.enable_icc":"false"} {"com.nanoclaw.install":"${opened.install}"}`,
    );
  });
});

await describeContainers("whom a turn runs as", (engine) => {
  describe.runIf(isRoot)("with a host that is root", () => {
    test("is a number nobody has, the same after a restart, and it can write where it must", async () => {
      await using opened = await openContainerSite(engine);
      const first = userOf(await inspectTurn(engine, opened));
      expect(first).toMatch(/^2\d{5}:2\d{5}$/);
      const [uid] = first.split(":").map(Number);
      expect(opened.site.ledger("SELECT value FROM settings WHERE key = 'container-uid'")).toEqual([
        { value: String(uid) },
      ]);
      const { site } = opened;
      await site.stop();
      await opened.untilNone();
      site.behave("answers");
      await site.start();
      await site.answered(1);
      await opened.untilNone();
      site.behave("never-answers");
      await site.say("again");
      const again = await inspectContainer(engine, await opened.container(), site.config.home);
      expect(again.config.User).toBe(first);
      const at = (...parts: string[]) => statSync(site.path(...parts)).uid;
      expect([at("groups", "main"), at("ipc", "main", "journal"), at("data", "kiro", "main")]).toEqual([uid, uid, uid]);
      expect([at("groups", "main", ".kiro"), at("ipc", "main"), at("ipc", "main", "responses")]).toEqual([0, 0, 0]);
    });

    test("is the state folder's owner when that is somebody else", async () => {
      const home = tempHome();
      chownSync(home, 65_534, 65_533);
      await using opened = await openContainerSite(engine, { home });
      expect(userOf(await inspectTurn(engine, opened))).toBe("65534:65533");
      expect(opened.site.ledger("SELECT value FROM settings WHERE key = 'container-uid'")).toEqual([]);
    });
  });

  const nobody = plainUser();
  test.runIf(nobody !== undefined)("with a host of a plain user is that user", async () => {
    await using host = await startPlainHost(engine, nobody as number);
    expect(await host.chat("hello")).toBe("you said hello\n");
    await host.idle();
    host.behave("answers-late");
    const asked = host.chat("again");
    const seen = await inspectContainer(engine, await host.container(), host.home);
    expect(seen.config.User).toBe(`${nobody}:${nobody}`);
    host.leave("go");
    expect(await asked).toBe("you said again\n");
  });
});
