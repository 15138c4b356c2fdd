import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { nanoclaw } from "../system/command.ts";
import { processesOf } from "../system/processes.ts";
import { until } from "../system/until.ts";
import { openWhatsAppHome } from "../system/whatsapp-home.ts";
import { makeClone, repository } from "./clone.ts";
import { isShell, readPage } from "./read-page.ts";
import { seedCommands } from "./seed-walkthrough-commands.ts";
import { openShell } from "./shell.ts";

const PAGE = "docs/seed-walkthrough.md";
const markdown = readFileSync(join(repository, PAGE), "utf8");
const blocks = readPage(PAGE, markdown).filter(isShell);
const needsMac = blocks.filter(({ words }) => words["not-run"]?.startsWith("needs a Mac;"));

test("the page has every command of the seed, word for word, in its order and under its section", () => {
  const sectionAt = (at: number) => Number(/.*\n## (?:\d+, )?(\d+)\)/s.exec(markdown.slice(0, at))?.[1]);
  let from = 0;
  for (const { section, command } of seedCommands) {
    const at = markdown.indexOf(command, from);
    expect({ command, section: at === -1 ? "missing, or before another one" : sectionAt(at) }).toEqual({
      command,
      section,
    });
    from = at;
  }
  expect([...markdown.matchAll(/^## (.+?)\)/gm)].flatMap(([, number = ""]) => number.split(", "))).toEqual(
    Array.from({ length: 13 }, (_, index) => `${index + 1}`),
  );
});

test("every block that is not run says why, and how it was checked instead", () => {
  const reasons = blocks.flatMap(({ words }) => words["not-run"] ?? []);
  expect(reasons.length).toBeGreaterThan(0);
  for (const reason of reasons) expect(reason).toMatch(/^(needs|fetches) .+; .*run/);
});

test("a host that is well writes the four lines of section 5", { timeout: 180_000 }, async () => {
  await using home = await openWhatsAppHome();
  const { server } = home;
  const me = server.phone;
  await server.send(me, me, "are you there?");
  await home.texts(me, 1);
  await home.quiet();
  const lines = home.log().split("\n");
  for (const event of ["Scheduler loop started", "Connected to WhatsApp", "Message sent"]) {
    expect(lines).toContainEqual(expect.stringContaining(`"msg":"${event}"`));
  }
  expect(lines).toContainEqual(expect.stringMatching(/"runtime":"host","msg":"Spawning agent process"/));
});

/** A Mac, as far as these commands can tell: its own programs stand before the system's. */
function openMac() {
  const clone = makeClone();
  const programs = mkdtempSync(join(tmpdir(), "nanoclaw-mac-"));
  const standIn = fileURLToPath(new URL("seed-walkthrough-launchd.ts", import.meta.url));
  const write = (name: string, text: string) => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };
  for (const name of ["launchctl", "PlistBuddy", "plutil"])
    write(name, `exec '${process.execPath}' '${standIn}' ${name} "$@"`);
  write("rg", 'exec grep -E "$@"');
  const { NANOCLAW_AGENT_RUNTIME: _, ...env } = clone.env;
  // A service knows nothing of the shell: what it needs stands in `.env`.
  appendFileSync(
    join(clone.root, ".env"),
    "TZ=UTC\nNANOCLAW_FREE_DISK=1\nNANOCLAW_AGENT=offline\nNANOCLAW_WHATSAPP=off\nNANOCLAW_DOCKER=no-docker\n",
  );
  const shell = openShell(clone.root, { ...env, PATH: `${programs}${delimiter}${env["PATH"]}` });
  const plist = join(clone.home, "Library", "LaunchAgents", "com.nanoclaw.plist");
  return {
    ...{ clone, plist },
    run: async (command: string) => {
      const said = await shell.run(command.replaceAll("/usr/libexec/PlistBuddy", join(programs, "PlistBuddy")));
      expect({ command, ...said }).toMatchObject({ command, exit: 0 });
      return said.output;
    },
    [Symbol.asyncDispose]: async () => {
      await shell.run(`launchctl unload ${plist}`);
      await shell[Symbol.asyncDispose]();
      rmSync(programs, { recursive: true });
      clone[Symbol.dispose]();
    },
  };
}

/** The host that the service started, when it answers. */
async function runtimeOf(home: string): Promise<string> {
  for (;;) {
    await using command = nanoclaw(home, ["status", "--json"]);
    await command.ended;
    const status = JSON.parse(command.stdout() || "{}") as { running?: boolean; runtime?: string };
    if (status.running) return status.runtime ?? "";
  }
}

describe.skipIf(process.platform !== "linux")("sections 5, 9 and 10 on a Mac, as far as it can be stood in for", () => {
  test("the service is seen, loaded, switched to the host runtime, and back", { timeout: 240_000 }, async () => {
    await using mac = openMac();
    const { clone, plist, run } = mac;
    const [list, load, toHost, verify, back, ...others] = needsMac.map(({ text }) => text);
    expect(others).toEqual([]);
    for (const folder of [join(plist, ".."), join(clone.root, "logs")]) mkdirSync(folder, { recursive: true });
    await run(`bin/nanoclaw service install --platform macos --dry-run > "${plist}"`);

    expect(await run(load ?? "")).toBe("");
    expect(await run(list ?? "")).toMatch(/^\d+\t0\tcom\.nanoclaw\n$/);
    await runtimeOf(clone.root);
    expect(await run(toHost ?? "")).toBe("");
    expect(await runtimeOf(clone.root)).toBe("host");
    await run("bin/nanoclaw chat help");
    expect(await run(verify ?? "")).toMatch(
      /"NANOCLAW_AGENT_RUNTIME" => "host"\n(.*\n)*\d+:.*"runtime":"host".*"Spawning agent process"/,
    );
    // A second time the entry is there, and is set.
    await run(toHost ?? "");
    expect(await run(back ?? "")).toBe("");
    expect(await runtimeOf(clone.root)).toBe("docker");
    await run(`launchctl unload ${plist}`);
    await until(() => processesOf(clone.root).length === 0);
  });
});
