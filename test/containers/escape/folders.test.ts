import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newTurnId, type Folder } from "../../../src/domain/ids.ts";
import { homePaths } from "../../../src/home.ts";
import { LaunchError } from "../../../src/runtime/runtime.ts";
import { until } from "../../system/until.ts";
import { describeContainers, newInstall, testRuntime } from "../engine.ts";
import { CANARY, newRequestId, openEscapeSite, type Agent, type EscapeSite } from "./site.ts";
import { snapshot } from "./snapshot.ts";

/** Every mount but `/workspace/group` and `/home/node` themselves: the host's path below its home, and the one inside. */
const places: readonly [host: string, inside: string, writable: boolean][] = [
  ["ipc/eve/requests", "/workspace/ipc/requests", true],
  ["ipc/eve/responses", "/workspace/ipc/responses", false],
  ["ipc/eve/journal", "/workspace/ipc/journal", true],
  ["ipc/eve/input", "/workspace/ipc/input", false],
  ["ipc/eve/outgoing", "/workspace/ipc/outgoing", true],
  ["groups/eve/.kiro", "/workspace/group/.kiro", false],
  ["groups/eve/.kiro/steering", "/workspace/group/.kiro/steering", true],
  ["data/kiro/eve/.kiro", "/home/node/.kiro", true],
  ["data/kiro/eve/.kiro/agents", "/home/node/.kiro/agents", false],
  ["data/kiro/eve/.kiro/settings", "/home/node/.kiro/settings", false],
  ["data/kiro/eve/.kiro/hooks", "/home/node/.kiro/hooks", false],
  ["data/kiro/eve/.local", "/home/node/.local", true],
  ["data/kiro/eve/.local/share", "/home/node/.local/share", true],
  ["data/kiro/eve/.local/share/kiro-cli", "/home/node/.local/share/kiro-cli", true],
  ["data/inbox/eve", "/workspace/group/inbox", false],
  ["groups/global", "/workspace/global", false],
  ["groups/extra", "/workspace/extra", false],
  ["ipc/eve", "/workspace/ipc", false],
];

await describeContainers("folders that an agent would replace", (engine) => {
  let at: EscapeSite;
  let eve: Agent;
  beforeAll(async () => {
    at = await openEscapeSite(engine);
    await at.group("eve");
    eve = await at.takeOver("eve");
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  /** What the host keeps for others, and what lies outside of the home. */
  const others = () => {
    const below = ["groups/global", "groups/extra", "groups/main", "ipc/main", "data/inbox/eve", "ipc/eve/responses"];
    return snapshot(at.outside, ...below.map((path) => at.site.path(path)));
  };

  test("E01 no mount is renamed, removed or replaced by a link during a run", async () => {
    const before = others();
    for (const [host, inside] of places) {
      const { out } = await eve.sh(
        `mv -T ${inside} ${inside}.old && echo BROKEN; rmdir ${inside} && echo BROKEN
         rm -rf ${inside} && echo BROKEN; ln -sfnT /etc ${inside} && echo BROKEN
         node -e 'fs.renameSync("/tmp", "${inside}")' && echo BROKEN
         umount ${inside} && echo BROKEN; test -L ${inside} && echo BROKEN; test -d ${inside} || echo BROKEN`,
      );
      expect(out, inside).not.toContain("BROKEN");
      expect(snapshot(at.site.path(host))[at.site.path(host)], host).toMatch(/^40/);
    }
    expect(others()).toEqual(before);
    expect(await eve.request("send_message", { text: "all stands" })).toMatchObject({ ok: true });
  });

  test("E02 nothing is written where a mount is read-only", async () => {
    const before = others();
    const fixed = places.filter(([, , writable]) => !writable).map(([, inside]) => inside);
    for (const path of [...fixed, "/", "/app", "/usr/local/bin", "/etc", "/home", "/workspace", "/var/tmp"]) {
      const { out } = await eve.sh(
        `echo x > ${path}/planted && echo BROKEN; mkdir ${path}/made && echo BROKEN
         chmod 777 ${path} && echo BROKEN; mount -o remount,rw ${path} && echo BROKEN; true`,
      );
      expect(out, path).not.toContain("BROKEN");
      expect(out, path).toMatch(/Read-only file system|Permission denied/);
    }
    expect(others()).toEqual(before);
  });

  test("E03 no hard link and no rename leads out of a mount", async () => {
    writeFileSync(at.site.path("groups/global/shared.md"), "shared");
    writeFileSync(at.site.path("data/inbox/eve/photo"), "photo");
    const before = others();
    const { out } = await eve.sh(
      `for from in /workspace/global/shared.md /workspace/group/inbox/photo /etc/passwd /app/main.mjs /proc/1/status; do
         ln $from /workspace/group/linked && echo BROKEN; ln $from /workspace/ipc/requests/linked && echo BROKEN
       done
       echo mine > /workspace/group/mine
       for to in requests outgoing journal responses; do ln /workspace/group/mine /workspace/ipc/$to/mine && echo BROKEN; done
       ln /workspace/group/mine /home/node/mine && echo BROKEN; ln /workspace/group/mine /tmp/mine && echo BROKEN; true`,
    );
    expect(out).not.toContain("BROKEN");
    expect(others()).toEqual(before);
  });

  test("E04 a folder that the host moves aside leads nobody out of it, and is not gone into", async () => {
    const before = others();
    const id = newRequestId();
    const { out } = await eve.sh(
      `mkdir -p /workspace/ipc/outgoing/trap/inner/inmost && cd /workspace/ipc/outgoing/trap/inner && touch inmost/file
       ln -s /etc ../link
       mv /workspace/ipc/outgoing/trap /workspace/ipc/requests/${id}.json || mkdir -p /workspace/ipc/requests/${id}.json/inner/inmost
       cd /workspace/ipc/requests/${id}.json/inner 2>/dev/null || cd /
       for wait in $(seq 200); do test -e /workspace/ipc/responses/${id}.json && break; sleep 0.05; done
       ls ../../../.. 2>&1; cat ../../../../store/nanoclaw.sock ../../../../data/install-id 2>&1; pwd -P`,
    );
    expect(await eve.response(id)).toMatchObject({ ok: false, error: expect.stringContaining("no regular file") });
    for (const name of ["install-id", "ipc-errors", "nanoclaw.sock", "messages.db"]) {
      expect(out.replaceAll(/cannot access.*|cat: .*/g, ""), name).not.toContain(name);
    }
    expect(readdirSync(at.site.path("data/ipc-errors")).filter((name) => !name.endsWith(".note"))).toEqual([]);
    const kept = readdirSync(at.site.path("ipc/eve/outgoing")).find((name) => name.includes(id)) ?? "";
    expect(readdirSync(at.site.path("ipc/eve/outgoing", kept))).toContain("inner");
    delete before[at.site.path("ipc/eve/responses")];
    expect(others()).toMatchObject(before);
  });

  test("E05 links in the agent's own folders take the host nowhere", async () => {
    const before = snapshot(at.outside, at.site.path("groups/main"), at.site.path("ipc/main"));
    const id = newRequestId();
    const target = join(at.outside, "secret.json");
    const { code, out } = await eve.sh(
      `cd /workspace/ipc; ln -s ${target} requests/${id}.json; ln -s ${at.outside} requests/folder
       ln -s ${target} journal/$TURN-2.ndjson; ln -sf ${target} journal/$TURN-$ATTEMPT.ndjson
       ln -s ${target} outgoing/secret; ln -s ${at.outside} /workspace/group/notes
       ln -sfn ${at.outside} /home/node/.kiro/sessions; cat ${target} ${at.outside}/deep/secret.json; ls ${at.outside}`,
    );
    expect(out).not.toContain(CANARY);
    expect(code).not.toBe(0);
    const refused = await eve.response(id);
    expect(refused).toEqual({ ok: false, error: expect.stringContaining("it is a link") });
    expect(JSON.stringify(refused)).not.toContain(CANARY);
    await until(() => !readdirSync(at.site.path("ipc/eve/requests")).includes("folder"));
    expect(snapshot(at.outside, at.site.path("groups/main"), at.site.path("ipc/main"))).toEqual(before);
  });

  test("E06 a journal that is a link, a FIFO, a folder or a giant neither blocks the host nor speaks for the turn", async () => {
    const path = "/workspace/ipc/journal/$TURN-$ATTEMPT.ndjson";
    for (const make of [
      `ln -s /proc/self/fd/0 ${path}`,
      `mkfifo ${path}`,
      `mkdir ${path}`,
      `echo x > /workspace/ipc/journal/other && ln /workspace/ipc/journal/other ${path}`,
      `truncate -s 1M ${path}`,
    ]) {
      await eve.sh(`rm -rf ${path} /workspace/ipc/journal/other; ${make}`);
      expect(await eve.request("list_tasks", {}), make).toMatchObject({ ok: true });
    }
    expect(await eve.answer("done with it")).toEqual(["all stands", "done with it"]);
  });

  test("E07 what an earlier run left of its folders stops no later one", async () => {
    const again = await at.takeOver("eve");
    expect(await again.request("list_tasks", {})).toMatchObject({ ok: true });
    expect(await again.answer("here again")).toEqual(["here again"]);
  });
});

await describeContainers("folders that an earlier run replaced", (engine) => {
  const kinds: readonly [string, (path: string, outside: string) => void][] = [
    ["a link", (path, outside) => symlinkSync(outside, path)],
    ["a link to nowhere", (path) => symlinkSync("/nonexistent/folder", path)],
    ["a file", (path) => writeFileSync(path, "")],
    ["a FIFO", (path) => execFileSync("mkfifo", [path])],
  ];

  test.each(places)("E08 %s is refused, by its name, before any container has it", async (host) => {
    const install = newInstall();
    const runtime = testRuntime(engine, { install, image: engine.image });
    await using at = openHome();
    for (const [kind, make] of kinds) {
      const path = join(at.home, host);
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { recursive: true, force: true });
      make(path, at.outside);
      const before = snapshot(at.outside);
      const failed = runtime.launch(at.spec);
      await expect(failed, kind).rejects.toThrow(LaunchError);
      await expect(failed, kind).rejects.toMatchObject({ class: "crash", message: expect.stringContaining(path) });
      expect(snapshot(at.outside), kind).toEqual(before);
      rmSync(path);
    }
    expect(await engine.containersOf(install)).toEqual([]);
  });

  test("E09 a link in place of the requests folder has nothing of its target taken or answered", async () => {
    await using at = await openEscapeSite(engine);
    await at.group("eve");
    await at.group("bob");
    const requests = at.site.path("ipc/eve/requests");
    renameSync(requests, `${requests}.old`);
    symlinkSync(at.outside, requests);
    const before = snapshot(at.outside);
    const bob = await at.takeOver("bob");
    for (let round = 0; round < 3; round += 1) {
      expect(await bob.request("list_tasks", {})).toMatchObject({ ok: true });
    }
    expect(snapshot(at.outside)).toEqual(before);
    expect(readFileSync(join(at.outside, "secret.json"), "utf8")).toContain(CANARY);
    rmSync(requests);
    renameSync(`${requests}.old`, requests);
    const eve = await at.takeOver("eve");
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
  });
});

function openHome() {
  const home = mkdtempSync(join(tmpdir(), "nanoclaw-escape-"));
  const outside = join(home, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret.json"), CANARY);
  const paths = homePaths(home).group("eve" as Folder);
  const MiB = 2 ** 20;
  const spec = {
    ...{
      turn: newTurnId(),
      attempt: 1,
      folder: "eve" as Folder,
      paths,
      zone: "UTC",
      oneShot: true,
      mounts: [],
      agentHome: null,
    },
    limits: { memory: 256 * MiB, cpus: 1, pids: 64, shm: MiB, fileSize: MiB, network: "none" as const },
  };
  return {
    ...{ home, outside, spec },
    [Symbol.asyncDispose]: () => Promise.resolve(rmSync(home, { recursive: true, force: true })),
  };
}
