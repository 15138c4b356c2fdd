import { statSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../system/until.ts";
import { describeContainers } from "../engine.ts";
import { openEscapeSite, type Agent, type EscapeSite } from "./site.ts";

const MiB = 2 ** 20;

await describeContainers("exhaustion by a hostile group", (engine) => {
  let at: EscapeSite;
  let bob: Agent;
  let eve: Agent;
  beforeAll(async () => {
    at = await openEscapeSite(engine, { CONTAINER_MAX_OUTPUT_SIZE: String(MiB), CONTAINER_CPUS: "1" });
    await at.group("bob");
    const small = { memory: 384 * MiB, pids: 48, shm: 8 * MiB, fileSize: 16 * MiB };
    await at.group("eve", small);
    await at.group("loud", small);
    await at.group("greedy", { ...small, groupSize: 32 * MiB });
    [eve, bob] = await Promise.all([at.takeOver("eve"), at.takeOver("bob")]);
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  const bobIsServed = async () => expect(await bob.request("list_tasks", {})).toMatchObject({ ok: true });
  const endedAs = async (turn: string): Promise<unknown> => {
    const rows = () =>
      at.site.ledger("SELECT failure_class FROM attempts WHERE turn_id = ? AND ended_at IS NOT NULL", turn);
    await until(() => rows().length > 0);
    return rows()[0]?.["failure_class"];
  };

  test("E40 a fork bomb ends at the group's number of processes", async () => {
    const { out } = await eve.sh(
      `node -e 'let n = 0, failed = 0; const { spawn } = require("child_process");
         for (let i = 0; i < 200; i++) { const c = spawn("sleep", ["1"]); c.on("error", () => failed++).on("spawn", () => n++); }
         setTimeout(() => { console.log("started", n, "failed", failed); process.exit(); }, 500)'`,
    );
    const [, started, failed] = /started (\d+) failed (\d+)/.exec(out) ?? [];
    expect(Number(started)).toBeLessThan(48);
    expect(Number(started) + Number(failed)).toBe(200);
    await bobIsServed();
    await until(async () => (await eve.sh("true")).code === 0);
  });

  test("E41 memory ends at the group's limit, swap included, and takes only who asked", async () => {
    const { code } = await eve.sh(
      `node --max-old-space-size=4000 -e 'const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1))'`,
    );
    expect(code).not.toBe(0);
    await bobIsServed();
    expect((await eve.sh("echo alive")).out).toBe("alive\n");
  });

  test("E42 a file ends at the file size, /tmp and /dev/shm at theirs", async () => {
    const { out } = await eve.sh(
      `trap '' XFSZ
       head -c 64M /dev/zero > /workspace/group/big; stat -c %s /workspace/group/big; rm /workspace/group/big
       truncate -s 1G /workspace/ipc/outgoing/sparse; ls /workspace/ipc/outgoing
       head -c 16M /dev/zero > /dev/shm/full; stat -c %s /dev/shm/full; rm /dev/shm/full
       for n in $(seq 20); do head -c 15M /dev/zero > /tmp/$n || break; done; du -sm /tmp | cut -f1; rm -f /tmp/*`,
    );
    expect(out).toMatch(/File too large/);
    expect(out).toMatch(/No space left on device/);
    const sizes = out
      .split("\n")
      .filter((line) => /^\d+$/.test(line))
      .map(Number);
    expect(sizes[0]).toBe(16 * MiB);
    expect(sizes[1]).toBeLessThanOrEqual(8 * MiB);
    expect(sizes[2]).toBeLessThanOrEqual(256);
    expect(sizes[2]).toBeGreaterThan(200);
    await bobIsServed();
  });

  test("E43 names of 255 bytes, with newlines, deep paths and many files hold up nobody", async () => {
    const { out } = await eve.sh(
      `long=$(printf 'n\\n%.0s' $(seq 127)); long="$long"x
       for to in requests journal outgoing; do cd /workspace/ipc/$to
         : > "\${long:0:255}"; mkdir -p "$(printf 'd/%.0s' $(seq 1000))" 2>/dev/null; mkfifo fifo; truncate -s 15M sparse
         for n in $(seq 500); do : > "$to $n"; done; done; cd /workspace/group; for n in $(seq 100); do : > $'x\\n'$n; done`,
    );
    expect(out).toBe("");
    await bobIsServed();
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
    expect(await eve.answer("still here")).toEqual(["still here"]);
    const next = await at.takeOver("eve");
    expect(await next.answer("and again")).toEqual(["and again"]);
  });

  test.each([
    ["standard output", "yes > /proc/$PPID/fd/1"],
    ["standard error", "yes > /proc/$PPID/fd/2"],
    ["the journal", "yes > /workspace/ipc/journal/$TURN-$ATTEMPT.ndjson"],
    ["a sparse journal", "truncate -s 8M /workspace/ipc/journal/$TURN-$ATTEMPT.ndjson"],
  ])("E44 a flood of %s ends the turn at the output cap, and nothing of it is kept", async (_what, flood) => {
    const loud = await at.takeOver("loud");
    void loud.sh(`${flood} & sleep 60`);
    expect(await endedAs(loud.turn)).toBe("output-cap");
    await until(async () => !(await engine.containersOf(at.install)).includes(loud.container));
    expect(statSync(at.site.path("logs/nanoclaw.log")).size).toBeLessThan(4 * MiB);
    await bobIsServed();
  });

  test("E46 a group that fills the disk is stopped at its size, counting what the host moved aside", async () => {
    const greedy = await at.takeOver("greedy");
    void greedy.sh(
      `cd /workspace/group; for n in $(seq 3); do head -c 15M /dev/zero > fill$n; done
       mkdir -p /workspace/ipc/outgoing/more && head -c 15M /dev/zero > /workspace/ipc/outgoing/more/fill
       mv /workspace/ipc/outgoing/more /workspace/ipc/requests/more; sleep 60`,
    );
    expect(await endedAs(greedy.turn)).toBe("disk");
    await until(async () => !(await engine.containersOf(at.install)).includes(greedy.container));
    await bobIsServed();
  });

  test("E45 a whole container out of memory is a crash of that turn alone", async () => {
    const loud = await at.takeOver("loud");
    // Its runner is the one that the kernel takes first.
    void loud.sh(
      `echo 1000 > /proc/$PPID/oom_score_adj; node --max-old-space-size=4000 -e 'const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1))' & sleep 60`,
    );
    expect(await endedAs(loud.turn)).toBe("crash");
    await bobIsServed();
    await at.site.ask("POST", "/control/groups/loud/stop");
    expect(await bob.answer("never noticed")).toEqual(["never noticed"]);
  });
});
