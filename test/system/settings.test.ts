import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "./command.ts";
import { isRoot, plainUser } from "./processes.ts";
import { tempHome } from "./site.ts";

const other = plainUser();

function home(): { path: string } & Disposable {
  const path = tempHome();
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A mistake that a person can mend: exit 2, nothing on stdout, no stack trace. */
async function refusal(path: string, args: string[], env: Record<string, string> = {}, uid?: number): Promise<string> {
  const { exit, stdout, stderr } = await run(path, args, { env, ...(uid === undefined ? {} : { uid }) });
  expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
  expect(stderr).not.toMatch(/\n\s+at |node:/);
  return stderr;
}

describe.concurrent("a command line that nobody understands", () => {
  it("names the unknown flag and where the help is", async () => {
    using at = home();
    expect(await refusal(at.path, ["chat", "--jsn", "hi"])).toMatch(
      /unknown option '--jsn'\n\(Did you mean --json\?\)\nHelp: nanoclaw/,
    );
    expect(await refusal(at.path, ["start", "--port=80"])).toContain("unknown option '--port=80'");
    expect(existsSync(join(at.path, "store"))).toBe(false);
  });

  it("names the unknown command and a close one", async () => {
    using at = home();
    expect(await refusal(at.path, ["statsu"])).toMatch(/unknown command 'statsu'\n\(Did you mean status\?\)/);
  });

  it("shows the help when no command is given", async () => {
    using at = home();
    const { stderr, stdout } = await run(at.path, []);
    expect(stdout + stderr).toMatch(/Usage: nanoclaw.*start.*chat/s);
  });

  it("says that there is nothing to say when standard input is empty", async () => {
    using at = home();
    expect(await refusal(at.path, ["chat"])).toBe("There is nothing to say: give a text, or pipe one in.\n");
  });
});

describe.concurrent("settings that cannot be used", () => {
  it("are all named at once, with their values and what is meant", async () => {
    using at = home();
    writeFileSync(join(at.path, ".env"), "NANOCLAW_STOP_BUGDET=5000\nIDLE_TIMEOUT=\nTZ=Mars/Olympus\nKIRO_MODEL=x\n");
    const said = await refusal(at.path, ["start"], {
      TZ: "",
      CONTAINER_TIMEOUT: "NaN",
      NANOCLAW_SILENCE_TIMEOUT: "-1",
      MAX_CONCURRENT_CONTAINERS: "1e3",
      NANOCLAW_AGENT: "gpt",
    });
    expect(said.split("\n")[0]).toBe(`These settings cannot be used (environment and ${join(at.path, ".env")}):`);
    for (const line of [
      "NANOCLAW_STOP_BUGDET: there is no such setting; did you mean NANOCLAW_STOP_BUDGET?",
      'CONTAINER_TIMEOUT="NaN": must be whole milliseconds, e.g. 60000',
      'NANOCLAW_SILENCE_TIMEOUT="-1": must be whole milliseconds, e.g. 60000',
      'MAX_CONCURRENT_CONTAINERS="1e3": must be a whole number',
      'TZ="Mars/Olympus": must be an IANA time zone, like Europe/Berlin',
    ]) {
      expect(said).toContain(`  ${line}\n`);
    }
    expect(said).toMatch(/NANOCLAW_AGENT="gpt": .*"kiro".*"offline"/);
    expect(said).not.toContain("IDLE_TIMEOUT");
    expect(existsSync(join(at.path, "store"))).toBe(false);
  });

  it.each([
    ["is a folder", (path: string) => void mkdirSync(path), /EISDIR|is a folder|directory/],
    ["is no text", (path: string) => writeFileSync(path, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1])), /no text file/],
  ])("are refused with the file's name when .env %s", async (_, make, problem) => {
    using at = home();
    const path = join(at.path, ".env");
    make(path);
    const said = await refusal(at.path, ["status"]);
    expect(said).toContain(`${path} cannot be read: `);
    expect(said).toMatch(problem);
    expect(said).toContain("Make it a text file with KEY=value lines that this user can read, or remove it.");
  });

  it.skipIf(isRoot && other === undefined)(
    `are refused with the file's name when this user may not read .env${isRoot && other === undefined ? " (skipped: root reads all, and no other user can run the program here)" : ""}`,
    async () => {
      using at = home();
      const path = join(at.path, ".env");
      writeFileSync(path, "TZ=UTC\n");
      chmodSync(path, 0);
      if (other !== undefined) for (const one of [at.path, path]) chownSync(one, other, other);
      const said = await refusal(at.path, ["status"], {}, other);
      expect(said).toMatch(/\.env cannot be read: .*permission denied.* this user can read, or remove it/s);
    },
  );

  it("are refused when the home is a file", async () => {
    using at = home();
    const path = join(at.path, "file");
    writeFileSync(path, "");
    expect(await refusal(path, ["start"])).toMatch(/^NANOCLAW_HOME=.*file: the folder cannot be used/);
  });
});

describe.concurrent("a group that cannot be made", () => {
  it.each([
    ["../x", /"\.\.\/x" cannot be used: use 1 to 41 characters a-z/],
    ["a\nb", /"a\\nb" cannot be used/],
    ["errors", /"errors" is reserved/],
    ["main", /"main" is used by the group "Main" already/],
  ])("with the folder %j is refused, and nothing is made", async (folder, problem) => {
    using at = home();
    if (folder === "main") await run(at.path, ["chat", "hello"]);
    const { exit, stdout, stderr } = await run(at.path, ["groups", "add", "--name", "X", "--folder", folder]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toMatch(problem);
    expect(existsSync(join(dirname(at.path), "x"))).toBe(false);
    expect(existsSync(join(at.path, "x"))).toBe(false);
  });

  it("with numbers that are none is refused with the flag", async () => {
    using at = home();
    const add = ["groups", "add", "--name", "X", "--folder", "x"];
    expect(await refusal(at.path, [...add, "--timeout", "NaN"])).toBe("--timeout NaN: that is no number.\n");
    expect(await refusal(at.path, [...add, "--mount", "nonsense"])).toContain("--mount nonsense: write it as");
  });
});
