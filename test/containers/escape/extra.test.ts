import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allowlistPath } from "../../../src/runtime/extra-mounts.ts";
import { describeContainers } from "../engine.ts";
import { CANARY, CANARY_PATTERN, openEscapeSite, type Agent, type EscapeSite } from "./site.ts";

const mount = (hostPath: string, containerPath: string) => ({ hostPath, containerPath, readonly: false });

await describeContainers("folders of the person's, in a container", (engine) => {
  const person = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-person-")));
  const mounts = [mount("~/projects/app", "app"), mount("~/projects/keys", "keys"), mount("~/projects/out", "out")];
  let at: EscapeSite;
  let main: Agent;
  let eve: Agent;
  beforeAll(async () => {
    for (const path of ["projects/app", ".ssh", "outside"]) mkdirSync(join(person, path), { recursive: true });
    for (const path of [".ssh/id", "outside/secret"]) writeFileSync(join(person, path), CANARY);
    writeFileSync(join(person, "projects/app/plan"), "the plan");
    chmodSync(join(person, "projects/app"), 0o777);
    symlinkSync(join(person, ".ssh"), join(person, "projects/keys"));
    symlinkSync(join(person, "outside"), join(person, "projects/out"));
    mkdirSync(dirname(allowlistPath(person)), { recursive: true });
    writeFileSync(
      allowlistPath(person),
      JSON.stringify({ allowedRoots: [{ path: "~/projects", allowReadWrite: true }] }),
    );
    at = await openEscapeSite(engine, {}, undefined, { HOME: person });
    await at.group("eve", { mounts });
    await at.site.ask("PATCH", "/control/groups/main", { settings: { mounts } });
    [main, eve] = await Promise.all([at.takeOver("main"), at.takeOver("eve")]);
  }, 60_000);
  afterAll(async () => {
    await at[Symbol.asyncDispose]();
    rmSync(person, { recursive: true });
  }, 60_000);

  test("only what the allowlist allows is there, beside the shared folder", async () => {
    for (const agent of [main, eve]) {
      expect((await agent.sh("cd /workspace/extra && ls && cat app/plan")).out).toBe("app\nshared\nthe plan");
      expect((await agent.sh(`grep -rIs ${CANARY_PATTERN} /workspace /home`)).out).toBe("");
    }
  });

  test("main writes where its root allows it, another group does not", async () => {
    expect((await main.sh("echo main > /workspace/extra/app/main")).code).toBe(0);
    expect(readFileSync(join(person, "projects/app/main"), "utf8")).toBe("main\n");
    expect((await eve.sh("echo eve > /workspace/extra/app/eve")).out).toMatch(/Read-only file system/);
    expect((await eve.sh("echo eve > /workspace/extra/shared/eve")).out).toMatch(/Read-only file system/);
    expect(existsSync(join(person, "projects/app/eve"))).toBe(false);
  });

  test("the mount points are the host's: nothing can be put in the place of one", async () => {
    for (const script of ["mkdir /workspace/extra/x", "mv /workspace/extra/app /workspace/extra/y"]) {
      expect((await main.sh(script)).code).not.toBe(0);
    }
  });
});
