import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeContainers } from "../engine.ts";
import { openEscapeSite, type Agent, type EscapeSite } from "./site.ts";

await describeContainers("the machine, seen from a hostile group", (engine) => {
  let at: EscapeSite;
  let eve: Agent;
  beforeAll(async () => {
    at = await openEscapeSite(engine);
    await at.group("eve");
    eve = await at.takeOver("eve");
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  /** Each line is tried on its own; none may succeed. */
  const allRefused = async (commands: readonly string[]) => {
    for (const command of commands) {
      const { out } = await eve.sh(`( ${command} ) && echo BROKEN; true`);
      expect(out, command).not.toMatch(/BROKEN|command not found/);
      expect(out, command).not.toBe("");
    }
  };

  test("E30 the agent is nobody of this machine and has no capability, ever", async () => {
    const { out } = await eve.sh("id -u; id -G; grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status");
    const [uid, groups, ...facts] = out.trim().split("\n");
    expect(Number(uid)).toBeGreaterThanOrEqual(process.getuid?.() === 0 ? 200_000 : 1);
    expect(groups).toBe(uid);
    expect(Object.fromEntries(facts.map((line) => line.split(":\t")))).toEqual({
      Groups: expect.any(String),
      ...Object.fromEntries(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => [name, "0".repeat(16)])),
      NoNewPrivs: "1",
      Seccomp: "2",
    });
  });

  test("E31 a setuid program gives no rights, the image's own nor one that the agent makes", async () => {
    const { out } = await eve.sh("find / -xdev -perm -4000 -type f 2>/dev/null");
    expect(out).toContain("/su");
    expect((await eve.sh("stat -c '%a %u' /app/as-root; /app/as-root -u")).out).toBe(
      `4755 0\n${(await eve.sh("id -u")).out}`,
    );
    await allRefused([
      "su -c id </dev/null",
      "mount -t tmpfs none /workspace/group/orders",
      "newgrp root </dev/null",
      "passwd -d root",
    ]);
    const own = await eve.sh(
      `cd /workspace/group; cp /usr/bin/id own; chmod 6755 own; ./own -u; ./own -u -r; chown 0:0 own && echo BROKEN
       cp own /tmp/own; chmod 6755 /tmp/own; setcap cap_sys_admin+ep own 2>/dev/null && echo BROKEN; true`,
    );
    expect(own.out).not.toMatch(/BROKEN|^0$/m);
  });

  test("E32 there is no namespace, mount, root, device or kernel door for the agent", async () => {
    await allRefused([
      ...["--user", "--user --map-root-user", "--mount", "--net", "--pid --fork", "--uts", "--ipc", "--cgroup"].map(
        (kind) => `unshare ${kind} true`,
      ),
      "mount -t proc proc /tmp",
      "mount --bind /etc /workspace/group/orders",
      "mount -t overlay overlay -o lowerdir=/etc,upperdir=/tmp,workdir=/tmp /tmp",
      "umount /workspace/group/.kiro",
      "chroot /workspace/group /bin/sh",
      "nsenter -t 1 -m true",
      "mknod /tmp/disk b 254 0",
      "mknod /workspace/group/mem c 1 1",
      "hostname owned",
      "date -s 2020-01-01",
      "dmesg",
      "swapon /tmp",
      "chown 0 /workspace/group",
      "perl -e 'exit(syscall(321, 0, 0, 0) >= 0 ? 0 : (print(\"$!\") && 1))'",
      "perl -e 'exit(syscall(298, 0, 0, -1, -1, 0) >= 0 ? 0 : (print(\"$!\") && 1))'",
      "perl -e 'exit(syscall(250, 0, -3, 1) >= 0 ? 0 : (print(\"$!\") && 1))'",
      "perl -e 'exit(syscall(175, 0, 0, 0) >= 0 ? 0 : (print(\"$!\") && 1))'",
      "perl -e 'exit(syscall(304, -100, 0, 0) >= 0 ? 0 : (print(\"$!\") && 1))'",
    ]);
  });

  test("E33 nothing of /proc and /sys that belongs to the machine is written", async () => {
    const host = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    await allRefused([
      ...["sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/vm/drop_caches", "sys/net/ipv4/ip_forward"].map(
        (path) => `echo 1 > /proc/${path}`,
      ),
      ...["sysrq-trigger", "irq/default_smp_affinity", "kcore"].map((path) => `echo 1 > /proc/${path}`),
      ...["kernel/uevent_helper", "power/state", "kernel/mm/ksm/run", "fs/cgroup/memory/release_agent"].map(
        (path) => `echo 1 > /sys/${path}`,
      ),
      "mkdir /sys/fs/cgroup/memory/out",
      "echo -1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
      "echo max > /sys/fs/cgroup/pids/pids.max",
      "echo max > /sys/fs/cgroup/pids.max",
      "head -c 1 /proc/kcore",
      "head -c 1 /dev/mem",
      "cat /proc/1/root/root/.bashrc",
    ]);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(host);
    expect((await eve.sh("cat /proc/keys /proc/timer_list; ls /sys/firmware | head -1")).out).toBe("");
  });

  test("E34 there is no device of the machine, and the system of files inside is read-only", async () => {
    const { out } = await eve.sh(
      "find /dev -type b; find /dev -type c | grep -vE '/(null|zero|full|random|urandom|tty|ptmx|console|[0-9]+)$'; true",
    );
    expect(out).toBe("");
    const writable = await eve.sh(
      "awk '$4 ~ /^rw/ { print $2 }' /proc/self/mounts | grep -vE '^/(proc|sys|dev)(/|$)' | sort",
    );
    expect(writable.out.trim().split("\n")).toEqual([
      "/home/node",
      "/home/node/.kiro",
      "/home/node/.local",
      "/home/node/.local/share",
      "/home/node/.local/share/kiro-cli",
      "/tmp",
      "/workspace/group",
      "/workspace/group/.kiro/steering",
      "/workspace/ipc/journal",
      "/workspace/ipc/outgoing",
      "/workspace/ipc/requests",
    ]);
    expect((await eve.sh("grep ' /tmp ' /proc/self/mounts")).out).toMatch(/nosuid,nodev/);
  });

  test("E35 no process of the machine is seen, traced or signalled", async () => {
    const { out } = await eve.sh(
      `cat /proc/[0-9]*/comm | sort -u; kill -0 ${process.pid} && echo BROKEN; kill -9 ${process.pid} && echo BROKEN
       perl -e 'syscall(101, 16, ${process.pid}, 0, 0) == 0 and print "BROKEN"; syscall(270, ${process.pid}, 0) ' ; true`,
    );
    expect(out).not.toMatch(/BROKEN|dockerd|containerd|systemd|sshd/);
  });

  test("E36 what was left running ends with the container, and nothing of it stays with the engine", async () => {
    await eve.sh(
      "(setsid nohup sleep 3600 >/dev/null 2>&1 &) ; (setsid bash -c 'trap \"\" TERM INT HUP; sleep 3601; sleep 3601' >/dev/null 2>&1 &); true",
    );
    expect(await eve.answer("left some behind")).toEqual(["left some behind"]);
    const next = await at.takeOver("eve");
    expect((await next.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 360[0]'")).out.trim()).toBe("0");
    expect(await engine.containersOf(at.install)).toEqual([next.container]);
    expect(await next.answer("clean")).toEqual(["clean"]);
  });
});
