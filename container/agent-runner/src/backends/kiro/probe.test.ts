import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCapabilities } from "./capabilities.ts";
import { probeKiro } from "./probe.ts";

const HELP = `Usage: kiro-cli-chat chat [OPTIONS] [INPUT]

Arguments:
  [INPUT]  The first question; like --not-a-flag

Options:
  -r, --resume
          Resume the newest; see --also-not-a-flag
      --resume-id <SESSION_ID>
          Resume by id
      --agent <AGENT>
  -a, --trust-all-tools    Allow all
      --no-interactive
          Without a person
          [aliases: --non-interactive]
      --output-format <FORMAT>
          [possible values: text, stream-json]
  -f, --format <FORMAT>
          [possible values: plain, json]
      --agent-engine <ENGINE>

          Possible values:
          - v1: the classic one
          - v2: the next one
      --classic
          [aliases: --legacy-ui]
  -w, --wrap <WRAP>
  -h, --help
`;

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-probe-")));
  mkdirSync(join(root, "bin"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(script: string, name = "kiro-cli"): string {
  const file = join(root, "bin", name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Counts its starts. */
const good = (): string =>
  install(`echo . >> ${root}/starts
if [ "$1" = --version ]; then echo "kiro-cli 2.19.2"; else cat <<'END'
${HELP}
END
fi`);

const starts = (): number =>
  existsSync(join(root, "starts")) ? readFileSync(join(root, "starts"), "utf8").length / 2 : 0;

const probe = (cache?: string, path = `relative:${join(root, "none")}:${join(root, "bin")}:/usr/bin:/bin`) =>
  probeKiro({ env: { PATH: path }, cwd: root, cache, ownGroup: false, signal: new AbortController().signal });

describe("the probe", () => {
  test("reads version, flags and engines from what kiro-cli says", async () => {
    const program = good();
    expect(await probe()).toEqual({
      kind: "found",
      program,
      capabilities: {
        version: "2.19.2",
        flags: [
          ...["--agent", "--agent-engine", "--classic", "--format", "--help", "--legacy-ui", "--no-interactive"],
          ...["--non-interactive", "--output-format", "--resume", "--resume-id", "--trust-all-tools", "--wrap"],
        ],
        streamJson: true,
        engines: { v2: ["--agent-engine", "v2"], classic: ["--classic"] },
      },
    });
  });

  test("remembers the answer for this file only", async () => {
    const cache = join(root, "probe.json");
    const program = good();
    const first = await probe(cache);
    expect(starts()).toBe(2);
    expect(await probe(cache)).toEqual(first);
    expect(starts()).toBe(2);
    utimesSync(program, new Date(1_000_000), new Date(1_000_000));
    await probe(cache);
    expect(starts()).toBe(4);
    writeFileSync(cache, "half{");
    expect(await probe(cache)).toEqual(first);
    expect(starts()).toBe(6);
    expect(JSON.parse(readFileSync(cache, "utf8"))).toMatchObject({
      version: "2.19.2",
      key: expect.stringContaining(program),
    });
  });

  test("the key is that of the file behind a link, and the link is what is started", async () => {
    const target = good();
    mkdirSync(join(root, "links"));
    symlinkSync(target, join(root, "links", "kiro-cli"));
    const cache = join(root, "probe.json");
    const found = await probe(cache, `${join(root, "links")}:/usr/bin:/bin`);
    expect(found).toMatchObject({ kind: "found", program: join(root, "links", "kiro-cli") });
    expect(readFileSync(cache, "utf8")).toContain(target);
  });

  test("a cache that cannot be written is no failure", async () => {
    good();
    expect(await probe(join(root, "no", "folder", "probe.json"))).toMatchObject({ kind: "found" });
  });

  test("what is no plain file is not replaced by a cache", async () => {
    good();
    symlinkSync("/dev/null", join(root, "nowhere"));
    expect(await probe(join(root, "nowhere"))).toMatchObject({ kind: "found" });
    expect(await probe("/dev/null")).toMatchObject({ kind: "found" });
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(lstatSync(join(root, "nowhere")).isSymbolicLink()).toBe(true);
  });

  test("a kiro-cli that is missing, or no program, is told apart", async () => {
    expect(await probe()).toEqual({ kind: "missing" });
    writeFileSync(join(root, "bin", "kiro-cli"), "not executable");
    expect(await probe()).toEqual({ kind: "missing" });
    install("echo broken glibc >&2; exit 127");
    expect(await probe()).toMatchObject({ kind: "unusable", error: expect.stringContaining("broken glibc") });
    install("echo usage: something else");
    expect(await probe()).toMatchObject({ kind: "unusable" });
    writeFileSync(join(root, "bin", "kiro-cli"), "\x7fELF no machine's");
    expect((await probe()).kind).toBe("unusable");
  });

  test("a relative folder on the PATH is not searched", async () => {
    good();
    expect(await probe(undefined, "bin:./bin:")).toEqual({ kind: "missing" });
  });
});

describe("capabilities", () => {
  test("of an old version: no engines, no events", () => {
    const help = "Options:\n  -r, --resume  Resume\n      --no-interactive  x\n  -f, --format <F>  plain, stream-json";
    expect(readCapabilities("kiro-cli 1.25.0", help)).toEqual({
      version: "1.25.0",
      flags: ["--format", "--no-interactive", "--resume"],
      streamJson: false,
      engines: { v2: null, classic: null },
    });
  });

  test("a flag with an unknown value list names no engine", () => {
    const help = "Options:\n  --agent-engine <E>\n   [possible values: kas]\n  --v3\n  --v2\n  use the second";
    expect(readCapabilities("?", help)).toMatchObject({ version: null, engines: { v2: ["--v2"], classic: null } });
  });

  test("escapes in the help are no part of names", () => {
    const help = "\u001b[1mOptions:\u001b[0m\n  \u001b[1m--no-interactive\u001b[0m\n          \u001b[1mx\u001b[0m\n";
    expect(readCapabilities("kiro-cli 2.0.0\n", help).flags).toEqual(["--no-interactive"]);
  });
});
