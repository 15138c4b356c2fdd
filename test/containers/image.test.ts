import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { systemClock } from "../../src/clock.ts";
import { checkoutSource, lookAtContainers } from "../../src/containers.ts";
import { describeContainers, type Said, type TestEngine } from "./engine.ts";
import { storedZip } from "./stored-zip.ts";

const CONTAINER = fileURLToPath(new URL("../../container", import.meta.url));
const KIRO = '#!/bin/sh\n[ "$1" = --version ] && echo "kiro-cli 2.16.2"\n';
const CHAT = '#!/bin/sh\necho "the chat program"\n';

/** What a person unpacks beside the Dockerfile, in every form that is understood, and some that are not. */
function contextWithKiro() {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-image-"));
  cpSync(CONTAINER, root, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const packed = join(root, "packed", "kirocli", "bin");
  mkdirSync(packed, { recursive: true });
  for (const [name, content] of [
    ["kiro-cli", KIRO],
    ["kiro-cli-chat", CHAT],
  ] as const) {
    writeFileSync(join(packed, name), content);
    chmodSync(join(packed, name), 0o755);
  }
  writeFileSync(join(root, "kiro-for-linux"), KIRO);
  execFileSync("tar", ["-czf", join(root, "kiro.tar.gz"), "-C", join(root, "packed"), "kirocli"]);
  execFileSync("tar", ["-cf", join(root, "no-kiro.tar"), "-C", root, "entrypoint.sh"]);
  writeFileSync(join(root, "broken.tar.gz"), "no archive");
  writeFileSync(join(root, "other-machine"), Buffer.from("7f454c46020101000000000000000000", "hex"));
  writeFileSync(join(root, "kiro.deb"), "no archive");
  const names = ["kirocli/bin/kiro-cli", "kirocli/bin/kiro-cli-chat"];
  writeFileSync(join(root, "kiro.zip"), storedZip({ [names[0] ?? ""]: KIRO, [names[1] ?? ""]: CHAT }));
  return root;
}

await describeContainers("the agent's image", (engine) => {
  const tags: string[] = [];
  const context = contextWithKiro();
  afterAll(async () => {
    rmSync(context, { recursive: true, force: true });
    if (tags.length > 0) await engine.ask("rmi", "--force", ...tags);
  });

  /** Only what KIRO_CLI decides is built: the runner's part needs a registry. */
  const install = (kiro: string, version = "", network = "none"): Promise<Said> => {
    const name = `nanoclaw-kiro-test:${tags.length}`;
    tags.push(name);
    const args = [`KIRO_CLI=${kiro}`, `KIRO_CLI_VERSION=${version}`].map((arg) => `--build-arg=${arg}`);
    return engine.ask(
      "build",
      "--quiet",
      "--force-rm",
      "--target=kiro",
      `--network=${network}`,
      `--tag=${name}`,
      ...args,
      context,
    );
  };
  const says = (tag: string | undefined, ...command: string[]) =>
    engine.run("run", "--rm", "--network=none", "--pull=never", "--entrypoint=", tag ?? "", ...command);

  // Debian's slim images have no unzip: the build fetches it.
  test.each([
    ["kiro.tar.gz", "none"],
    ["kiro.zip", "host"],
  ])("takes kiro-cli and its sibling from %s", async (archive, network) => {
    const { code, stderr } = await install(archive, "2.16.2", network);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(await says(tags.at(-1), "/kiro/kiro-cli", "--version")).toBe("kiro-cli 2.16.2");
    expect(await says(tags.at(-1), "/kiro/kiro-cli-chat")).toBe("the chat program");
  });

  test("takes one executable, which then serves under both names", async () => {
    expect((await install("kiro-for-linux", "kiro-cli 2.16.2")).code).toBe(0);
    for (const name of ["kiro-cli", "kiro-cli-chat"]) {
      expect(await says(tags.at(-1), `/kiro/${name}`, "--version")).toBe("kiro-cli 2.16.2");
    }
  });

  test.each([
    ["no-such-file", "", "KIRO_CLI=no-such-file: there is no such file below container/"],
    ["kiro.tar.gz", "2.16.3", 'kiro-cli --version says "kiro-cli 2.16.2", KIRO_CLI_VERSION asks for "2.16.3"'],
    ["none", "2.16.2", "KIRO_CLI=none installs no kiro-cli; KIRO_CLI_VERSION=2.16.2 cannot be met"],
    ["no-kiro.tar", "", "KIRO_CLI=no-kiro.tar: it holds no file named kiro-cli"],
    ["broken.tar.gz", "", "KIRO_CLI=broken.tar.gz: it cannot be unpacked"],
    ["kiro.deb", "", "KIRO_CLI=kiro.deb: of archives, .tar, .tar.gz, .tgz, .tar.xz and .zip are understood"],
    ["other-machine", "", "KIRO_CLI=other-machine: it does not run here"],
  ])("with KIRO_CLI=%s and KIRO_CLI_VERSION=%j is not built, and says why", async (kiro, version, reason) => {
    const { code, stdout, stderr } = await install(kiro, version);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain(reason);
  });

  test("as it is in use, was made from these sources and for this protocol", async () => {
    const format = '{{index .Config.Labels "com.nanoclaw.protocol"}} {{index .Config.Labels "com.nanoclaw.source"}}';
    const labels = await engine.run("image", "inspect", "--format", format, engine.image);
    expect(labels).toBe(`${PROTOCOL_VERSION} ${String(checkoutSource())}`);
    expect((await look(engine)).kind).toBe("ready");
  });

  test("runs as anybody: every file of it can be read, and none be written", async () => {
    const user = ["--user=234567:234567", "--cap-drop=ALL", "--network=none", "--rm", "--entrypoint=sh"];
    const script =
      "find /app ! -readable; find /app -type d ! -executable; find /app -writable; test -x /app/entrypoint.sh && echo can start";
    expect(await engine.run("run", ...user, engine.image, "-c", script)).toBe("can start");
  });

  test("keeps nothing of its making", async () => {
    const left =
      "ls -d /build /context /root/.npm /tmp/* /app/node_modules /kiro 2>/dev/null; find /app -name '*.ts'; true";
    expect(await says(engine.image, "sh", "-c", left)).toBe("");
    // What stands in the Dockerfile after the last FROM: two copies, and kiro-cli is asked what it knows.
    const last =
      readFileSync(join(CONTAINER, "Dockerfile"), "utf8")
        .split(/^FROM /m)
        .at(-1) ?? "";
    expect(last.match(/^(COPY|ADD|RUN)/gm)).toEqual(["COPY", "COPY", "RUN"]);
  });
});

const look = ({ program, image, env }: TestEngine) =>
  lookAtContainers({ NANOCLAW_DOCKER: program, NANOCLAW_AGENT_IMAGE: image }, env, systemClock);
