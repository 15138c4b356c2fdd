import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { homePaths } from "../../../src/home.ts";
import { describeContainers } from "../engine.ts";
import { CANARY, CANARY_PATTERN, openEscapeSite, type Agent, type EscapeSite } from "./site.ts";
import { snapshot } from "./snapshot.ts";

const connect = (host: string, port: number): string =>
  `node -e 'const s = net.connect({ host: "${host}", port: ${port}, timeout: 1500 });
     s.on("connect", () => (console.log("CONNECTED"), s.destroy())).on("timeout", () => (console.log("nothing"), s.destroy()))
      .on("error", (e) => console.log(e.code))'`;

await describeContainers("other groups, seen from a hostile one", (engine) => {
  let at: EscapeSite;
  let eve: Agent;
  let bob: Agent;
  let main: Agent;
  let alone: Agent;
  beforeAll(async () => {
    at = await openEscapeSite(engine, { NANOCLAW_AGENT: "kiro", KIRO_API_KEY: `${CANARY}-key` });
    for (const folder of ["eve", "bob"]) await at.group(folder, { agent: folder === "eve" ? "offline" : "kiro" });
    await at.group("alone", { network: "none" });
    [eve, bob, main, alone] = await Promise.all([
      at.takeOver("eve"),
      at.takeOver("bob"),
      at.takeOver("main"),
      at.takeOver("alone"),
    ]);
    // What bob's group has everywhere that it can write.
    await bob.sh(
      `for to in /workspace/group /home/node /workspace/ipc/requests /workspace/ipc/outgoing /tmp /dev/shm; do
         echo ${CANARY} > $to/.secret; done; (exec -a ${CANARY}-argv sleep 600) & TELL=${CANARY} sleep 600 &`,
    );
    writeFileSync(at.site.path("data/inbox/bob/photo"), CANARY);
    writeFileSync(at.site.path("ipc/bob/input/file"), CANARY);
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  test("E20 their files, homes, inboxes and exchange folders are nowhere to be found", async () => {
    const others = ["groups/bob", "groups/main", "ipc/bob", "ipc/main", "data/kiro/bob", "data/inbox/bob"];
    const before = snapshot(...others.map((path) => at.site.path(path)));
    const { out } = await eve.sh(
      `grep -rlIs --devices=skip ${CANARY_PATTERN} /workspace /home /tmp /dev/shm /run /var /etc /root /mnt /media /srv /opt 2>/dev/null
       for path in ../bob ../../groups/bob /workspace/group/../bob /workspace/ipc/../bob /proc/1/root/workspace/bob \\
         ${others.map((path) => at.site.path(path)).join(" ")} ${at.site.home} /proc/self/root/../${at.site.home}; do
         ls -d $path 2>/dev/null; done; true`,
    );
    expect(out).toBe("");
    expect(snapshot(...others.map((path) => at.site.path(path)))).toEqual(before);
  });

  test("E21 the mounts are this group's own and the shared ones, nothing else of the host", async () => {
    const { out } = await eve.sh(`cut -d' ' -f5 /proc/self/mountinfo | sort`);
    const engineOwn = /^\/($|proc|sys|dev|etc\/(resolv\.conf|hostname|hosts)$|usr\/sbin\/docker-init$|tmp$)/;
    expect(
      out
        .trim()
        .split("\n")
        .filter((path) => !engineOwn.test(path)),
    ).toEqual([
      "/home/node",
      "/home/node/.kiro",
      "/home/node/.kiro/agents",
      "/home/node/.kiro/hooks",
      "/home/node/.kiro/settings",
      "/home/node/.local",
      "/home/node/.local/share",
      "/home/node/.local/share/kiro-cli",
      "/workspace/extra",
      "/workspace/global",
      "/workspace/group",
      "/workspace/group/.kiro",
      "/workspace/group/.kiro/steering",
      "/workspace/group/inbox",
      "/workspace/ipc",
      "/workspace/ipc/input",
      "/workspace/ipc/journal",
      "/workspace/ipc/outgoing",
      "/workspace/ipc/requests",
      "/workspace/ipc/responses",
    ]);
  });

  test("E22 global and extra are read by all and written by main alone", async () => {
    const write = "echo x > /workspace/global/new && echo x > /workspace/extra/new && echo WRITTEN; true";
    expect((await main.sh(write)).out).toContain("WRITTEN");
    const { out } = await eve.sh(
      `cat /workspace/global/new /workspace/extra/new; echo y > /workspace/global/new; rm -f /workspace/extra/new; true`,
    );
    expect(out.match(/^x$/gm)).toHaveLength(2);
    expect(out.match(/Read-only file system/g)).toHaveLength(2);
    expect(readFileSync(at.site.path("groups/global/new"), "utf8")).toBe("x\n");
  });

  test("E23 their processes, and with them their input and secrets, are not there", async () => {
    const input = readFileSync(at.site.path("groups/bob/orders", `${bob.turn}-1`, "input"), "utf8");
    expect(input).toContain(`${CANARY}-key`);
    const { out } = await eve.sh(
      `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/net/unix 2>/dev/null | tr '\\0' '\\n' | grep -ac ${CANARY_PATTERN}
       ls /proc | grep -c '^[0-9]'; cat /proc/1/cmdline | tr '\\0' ' '; env | grep -c KIRO_API_KEY`,
    );
    const [found, processes, first, keys] = out.trim().split("\n");
    expect(found).toBe("0");
    expect(Number(processes)).toBeLessThan(15);
    expect(`${first}${keys ?? ""}`).toMatch(/^\/(usr\/)?sbin\/docker-init -- node .*0$/);
  });

  test("E24 input, secrets and answers stand in no log, label, argument or environment of the engine", async () => {
    const inspected = await engine.run("inspect", bob.container);
    expect(inspected).not.toContain(CANARY);
    expect(inspected).not.toContain("wake up");
    expect(inspected).toContain('"Type": "none"');
    const logs = await engine.ask("logs", bob.container);
    expect(logs.stdout).toBe("");
    expect(logs.code).not.toBe(0);
    const commands = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(commandOf);
    const clients = commands.filter((line) => line.includes(bob.turn));
    expect(clients.length).toBeGreaterThan(0);
    expect(clients.join("\n")).not.toContain(`${CANARY}-key`);
  });

  test("E25 no socket of the host, its control socket and the engine's among them, is there", async () => {
    const socket = homePaths(at.site.home).socket;
    const { out } = await eve.sh(
      `find / -xdev -type s 2>/dev/null; find /workspace /home /tmp /run /var/run /dev -type s 2>/dev/null
       ls /var/run/docker.sock /run/docker.sock /run/containerd /run/podman /run/dbus ${socket} 2>/dev/null
       grep -c '@' /proc/net/unix; true`,
    );
    expect(out.trim()).toBe("0");
  });

  test("E26 no other container is reached over the network", async () => {
    await bob.sh(`(node -e 'net.createServer((s) => s.end("hello")).listen(8080, "0.0.0.0")' &) ; sleep 0.5`);
    const address = await engine.run(
      ...["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", bob.container],
    );
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect((await bob.sh(connect(address, 8080))).out).toContain("CONNECTED");
    for (const host of [address, bob.container]) {
      const { out } = await eve.sh(connect(host, 8080));
      expect(out.trim(), host).not.toContain("CONNECTED");
      expect(out.trim(), host).not.toBe("");
    }
    const { out } =
      await eve.sh(`node -e 'dgram.createSocket({ type: "udp4" }).bind(9, (e) => console.log("bound"))' 2>&1 & sleep 0.2
      node -e 'require("node:dns").promises.reverse("${address}").then(console.log, (e) => console.log(e.code))'; kill %1`);
    // Open on purpose, in docs/security.md: the engine's name server tells names of running containers.
    expect(out).toMatch(/nanoclaw-bob-|ENOTFOUND|ESERVFAIL/);
    expect(
      (
        await eve.sh(
          `cat /proc/net/packet 2>&1; node -e 'require("node:child_process")'; perl -MSocket -e 'socket(S, 17, 3, 768) or print "no raw: $!"; socket(R, PF_INET, SOCK_RAW, 1) or print " no raw: $!"'`,
        )
      ).out,
    ).toMatch(/no raw: .* no raw: /);
  });

  test("E27 with network none there is no network at all", async () => {
    const server = createServer((socket) => socket.end()).listen(0, "0.0.0.0");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const gateway = (
      await eve.sh(
        `perl -ne '@f = split; print join(".", map { hex } reverse($f[2] =~ /../g)) if $f[1] eq "00000000"' /proc/net/route`,
      )
    ).out.trim();
    expect(gateway).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    try {
      // Open on purpose, in docs/security.md: a service on all addresses of the host.
      expect((await eve.sh(connect(gateway, port))).out.trim()).toBe("CONNECTED");
      expect((await alone.sh(connect(gateway, port))).out.trim()).toBe("ENETUNREACH");
      expect((await alone.sh(connect("127.0.0.1", port))).out.trim()).toBe("ECONNREFUSED");
      expect(
        (await alone.sh("ls /sys/class/net; getent hosts example.org; cut -d: -f1 -s /proc/net/dev")).out,
      ).not.toMatch(/eth|ens/);
    } finally {
      server.close();
    }
  });

  test("E28 all of them still answer, and say only their own", async () => {
    for (const agent of [eve, bob, main, alone]) {
      expect(await agent.answer(`I am ${agent.container}`)).toEqual([`I am ${agent.container}`]);
    }
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it ended meanwhile
  }
}
