import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { installKiroCli } from "../test/kiro-cli/bundle.ts";
import type { Facts } from "./kiro-probe/lab.ts";
import { probe, questions, type ProbeOptions } from "./kiro-probe/probe.ts";
import { prompts } from "./kiro-probe/prompts.ts";
import { verdictOf } from "./kiro-probe/question.ts";
import { createReportRedactor } from "./kiro-probe/redact.ts";
import { renderReport, visible } from "./kiro-probe/report.ts";
import type { Run, Way } from "./kiro-probe/runs.ts";
import { runCommand } from "./kiro-probe/run-command.ts";
import { shapeOf } from "./kiro-probe/stores.ts";
import { isBefore } from "./kiro-probe/version.ts";

const root = mkdtempSync(join(tmpdir(), "kiro-probe-test-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the report holds nothing secret or personal", () => {
  const redact = createReportRedactor({
    secrets: ["a-key-of-the-person"],
    home: "/home/ann",
    temporary: "/tmp/probe-x1",
    user: "ann",
    host: "annas-mac.local",
  });

  test.each([
    ["known values", "key a-key-of-the-person.", "key [removed: secret 1]."],
    ["known values in base64", btoa("a-key-of-the-person"), "[removed: secret 1]"],
    ["API keys, colours before them included", "\x1b[32mksk_AbC-123_x", "\x1b[32m[removed: API key]"],
    ["bearer tokens", "Authorization: Bearer abcdef.ghi-jkl", "Authorization: [removed] [removed]"],
    ["web tokens", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "[removed: token]"],
    ["sign-in tokens", "aoaAAAAAGabcdefghijklmnop", "[removed: token]"],
    ["fields of tokens", '{"accessToken":"x\\"y","expires":3}', '{"accessToken":"[removed]","expires":3}'],
    [
      "fields in text within text",
      String.raw`{\"refresh_token\":\"abc\"}`,
      String.raw`{\"refresh_token\":\"[removed]\"}`,
    ],
    ["fields without quotes", "client_id=abc&x=1", "client_id=[removed]&x=1"],
    ["device codes", "Code: ABCD-EF12", "Code: [removed]"],
    ["ARNs", "arn:aws:codewhisperer:us-east-1:123456789012:profile/X", "[removed: ARN]"],
    ["companies' sign-in addresses", "(https://acme.awsapps.com/start)", "([removed: sign-in address])"],
    ["proxies' passwords", "http://me:pass@proxy:3128", "http://[removed]@proxy:3128"],
    ["e-mail addresses", "as ann.b+c@example.org", "as [removed: e-mail address]"],
    ["the home, and not its neighbour", "/home/ann/.kiro /home/annabel", "~/.kiro /home/annabel"],
    ["the probe's folder", "/tmp/probe-x1/work", "<temp>/work"],
    ["the user's name as a word", "\x1b[1mAnn can; -ann-", "\x1b[1m<user> can; -<user>-"],
    ["the host's name, long and short", "annas-mac.local, annas-mac", "<host>, <host>"],
    ["and leaves the rest", "@probe/get_word inputTokens: 3 kiro@2.29.0", "@probe/get_word inputTokens: 3 kiro@2.29.0"],
  ])("%s", (_, said, clean) => expect(redact(said)).toBe(clean));

  test("names that everybody has stay", () => {
    const personal = { secrets: [], home: "/", temporary: "/t", user: "node", host: "localhost" };
    expect(createReportRedactor(personal)("/usr/bin/node on localhost")).toBe("/usr/bin/node on localhost");
  });

  test("files are shown by their shape, never by what they say", () => {
    const line = '{"version":"v1","kind":"Prompt","data":{"content":["secret"]}}\n';
    expect(shapeOf("a.jsonl", line + line)).toBe("2 lines {version: string, kind: string, data: {content: []}} Prompt");
    expect(shapeOf("a.json", '{"pid":3,"deep":{"deeper":{"deepest":1}}}')).toBe("{pid: number, deep: {deeper: {}}}");
    expect(shapeOf("a.lock", "words")).toBe("(no JSON)");
  });
});

const way = (name: string): Way => {
  const [form, engine = "v2"] = name.split("-") as [string, Way["engine"]];
  return { name, engine, args: [], stream: form === "stream" };
};
const run = (more: Partial<Run>): Run => ({
  ...{
    name: "prompt",
    args: [],
    input: "",
    way: undefined,
    asked: [],
    stores: [],
    code: 0,
    signal: null,
    ended: undefined,
  },
  ...{ stdout: "", stderr: "", cut: false, ms: 1, pipes: "closed", leftBehind: [], ...more },
});
const said = (words: string, session = "s1", more: Partial<Run> = {}) => {
  const data = { sessionId: session, status: "success", stopReason: "end_turn", finalText: words };
  return run({ way: way("stream-v2"), stdout: `${JSON.stringify({ type: "runFinished", data })}\n`, ...more });
};
const failed = (message: string, more: Partial<Run> = {}) =>
  run({ way: way("stream-v2"), code: 1, stdout: JSON.stringify({ type: "runError", data: { message } }), ...more });
const facts = (version = "2.29.0"): Facts => ({
  ...{ version, mode: "key", loggedIn: true, ways: [way("stream-v2")], main: way("stream-v2") },
  capabilities: { version, flags: ["--no-interactive"], streamJson: true, engines: { v2: [], classic: null } },
});
const classic = (stdout: string, stderr = " ▸ Credits: 0.1 • Time: 1s\n") =>
  run({ way: way("plain-classic"), stdout, stderr });
const cut = said("", "k", { ended: "on purpose", stdout: '{"type":"metadata","data":{"sessionId":"k"}}\n' });
const killed = (...after: Run[]) => [
  ...[
    { ...cut, name: "SIGTERM" },
    { ...(after[0] ?? cut), name: "after SIGTERM" },
  ],
  ...[
    { ...cut, name: "SIGKILL" },
    { ...(after[1] ?? cut), name: "after SIGKILL" },
  ],
];
const resumed = (second: Run) => [said("OK", "s1", { name: "first" }), { ...second, name: "second" }];
const keyed = (chat: Run) => [run({ name: "validate", code: 1 }), chat];

describe("verdicts", () => {
  test.each<[string, string, string | undefined, Run[]]>([
    ["version", "as expected: 3.0.1", undefined, [run({ stdout: "kiro-cli 3.0.1\n" })]],
    ["version", "different: no version", undefined, [run({ code: 2 })]],
    ["flags", "different: not in the help: --trust-all-tools", undefined, [run({})]],
    [
      "whoami",
      "as expected",
      undefined,
      [run({ name: "plain" }), run({ name: "nobody", code: 1, stdout: "Not logged in" })],
    ],
    ["whoami", "different", undefined, [run({ name: "plain" }), run({ name: "nobody" })]],
    [
      "plain-classic",
      "as expected: exit 0, marker, footer on stderr",
      undefined,
      [classic("\x1b[38;5;141m> \x1b[0mPONG\n")],
    ],
    ["plain-classic", "different: exit 0, no marker", undefined, [classic("PONG\n")]],
    [
      "plain-classic",
      "different: exit 0, marker, footer on stdout",
      undefined,
      [classic("> PONG\n ▸ Credits: 0.1\n", "")],
    ],
    ["plain-v2", "as expected: exit 0, bare text", undefined, [run({ way: way("plain-v2"), stdout: "PONG\n" })]],
    ["plain-v2", "different: exit 0, decorated text", undefined, [run({ way: way("plain-v2"), stdout: "> PONG\n" })]],
    ["plain-v2", "different: exit 0", undefined, [run({ way: way("plain-v2") })]],
    ["stream-v2", "as expected: exit 0, runFinished ×1, a session id", undefined, [said("PONG")]],
    [
      "stream-v2",
      "different: exit 0, no event, no session id",
      undefined,
      [run({ way: way("stream-v2"), stdout: "PONG" })],
    ],
    ["default-engine", "as expected: it looks like v2", undefined, [run({ stdout: "PONG" })]],
    ["default-engine", "different: it looks like v2", "2.27.1", [run({ stdout: "PONG" })]],
    ["default-engine", "different: it looks like v3", undefined, [run({ stdout: "PONG", stderr: "[INFO] x" })]],
    ["terminal", "as expected: escapes: NO_COLOR 1", undefined, [run({ name: "NO_COLOR", stdout: "\x1b[m" })]],
    [
      "terminal",
      "different: escapes: NO_COLOR 0, TERM=dumb 0",
      undefined,
      [run({ name: "NO_COLOR" }), run({ name: "TERM=dumb" })],
    ],
    [
      "conversations",
      "as expected",
      undefined,
      [run({ name: "first", stores: ["conversations_v2(key) of x"] }), { ...classic("> HERON"), name: "second" }],
    ],
    [
      "conversations",
      "different: conversations_v2 is not written; --resume remembers",
      undefined,
      resumed(classic("> HERON")),
    ],
    ["resume-known", "as expected: continued, remembers", undefined, resumed(said("HERON"))],
    ["resume-known", "different: silently new, does not remember", undefined, resumed(said("NONE", "s2"))],
    ["resume-known", "different: refused", undefined, resumed(failed("session not found"))],
    ["resume-known", "different: no session id", undefined, [run({ name: "first" })]],
    ["resume-unknown", "as expected: refused (exit 1, “session not found”)", undefined, [failed("session not found")]],
    ["resume-unknown", "different: silently new", undefined, [said("PONG")]],
    ["resume-unknown", "as expected: silently new", "2.20.0", [said("PONG")]],
    ["resume-none", "as expected: starts one", undefined, [said("PONG")]],
    ["resume-none", "different: exit 1", undefined, [failed("none")]],
    [
      "killed",
      "as expected: after SIGTERM refused (exit 1, “closed”)",
      undefined,
      killed(failed("closed"), failed("closed")),
    ],
    [
      "killed",
      "different: after SIGTERM continued; after SIGKILL continued",
      undefined,
      killed(said("PONG", "k"), said("PONG", "k")),
    ],
    ["killed", "as expected", "2.13.0", killed(said("PONG", "k"), said("PONG", "k"))],
    ["killed", "could not tell: after SIGTERM unknown", undefined, [said("one", "k", { name: "SIGTERM" })]],
    [
      "stale-lock",
      "as expected: beside the lock of one that is gone: continued; of a living one: refused",
      undefined,
      [said("PONG"), said("PONG", "s1", { name: "gone" }), failed("x", { name: "living" })],
    ],
    ["stale-lock", "could not tell", undefined, [said("PONG")]],
    ["together", "as expected", undefined, [said("", "a"), said("", "b"), said("", "b"), said("", "b")]],
    [
      "together",
      "different: new ones share a session",
      undefined,
      [said("", "a"), said("", "a"), said("", "a"), said("", "a")],
    ],
    ["tools-stream-v2", "different: called", undefined, [said("I am looking.KESTREL", "s", { asked: ["tools/call"] })]],
    [
      "tools-stream-v2",
      "as expected: called; the runner reads “KESTREL”; finalText is without",
      undefined,
      [said("KESTREL", "s", { asked: ["tools/call"] })],
    ],
    [
      "tools-stream-v2",
      "different: the server was not started; “WARNING: MCP functionality disabled”",
      undefined,
      [said("KESTREL", "s", { stderr: "WARNING: MCP functionality disabled" })],
    ],
    ["unknown-agent", "as expected: exit 4, “error: none”", undefined, [run({ code: 4, stderr: "error: none" })]],
    ["unknown-agent", "different: exit 0", undefined, [said("PONG")]],
    ["unknown-agent", "as expected: exit 0", "2.27.0", [said("PONG")]],
    [
      "unknown-key",
      "as expected: the file is not used (exit 1, “malformed”); validate: exit 1",
      undefined,
      keyed(failed("malformed")),
    ],
    ["unknown-key", "different: the file is used", undefined, keyed(said("BITTERN"))],
    ["unknown-model", "as expected", undefined, [failed("Model 'x' does not exist")]],
    ["unknown-model", "different: exit 0", undefined, [said("PONG")]],
    ["empty-prompt", "as expected", undefined, [run({ code: 1, stderr: "error: Input must be supplied when" })]],
    [
      "empty-prompt",
      "different: “prompt” did not end by itself within 90 s",
      undefined,
      [run({ ended: "limit", ms: 90_000 })],
    ],
    [
      "dash-prompt",
      "as expected",
      undefined,
      [
        said("PONG", "s", { name: "on stdin" }),
        said("PONG", "s", { name: "after --" }),
        run({ name: "as an argument", code: 2 }),
      ],
    ],
    ["slash-prompt", "as expected", undefined, [failed("unrecognized subcommand")]],
    ["slash-prompt", "different: prompt answers it", undefined, [said("PONG")]],
    ["wrong-key", "as expected: prompt: exit 1", undefined, [failed("Authentication failed.")]],
    ["wrong-key", "different", undefined, [failed("no")]],
    [
      "logged-out",
      "as expected: prompt: SIGKILL (limit)",
      undefined,
      [run({ ended: "limit", code: null, signal: "SIGKILL", stdout: "Confirm the following code in the browser" })],
    ],
    [
      "pipes",
      "different: of 2 runs, 1 left a pipe open and 1 left",
      undefined,
      [run({}), run({ pipes: "open", leftBehind: ["node"] })],
    ],
    [
      "messages",
      "as expected: exit 1: “Monthly request limit",
      undefined,
      [failed("Monthly request limit reached - The limits reset on 12/01.")],
    ],
    ["messages", "could not tell: none was met", undefined, [said("PONG")]],
    ["stream-v2", "could not tell: it said “Too many requests”", undefined, [failed("Too many requests")]],
    ["stream-v2", "could not tell: the probe was interrupted", undefined, [run({ ended: "interrupted" })]],
    ["stream-v2", "could not tell: nothing was run", undefined, []],
  ])("%s: %s (%s)", (id, verdict, version, runs) => {
    const question = questions.find((each) => each.id === id);
    expect(question && verdictOf(question, runs, facts(version))).toContain(verdict);
  });

  test("versions are compared by their numbers", () => {
    expect([isBefore("2.9.0", "2.10.0"), isBefore("2.10.0", "2.10.0"), isBefore("3.0.0-beta", "2.28.0")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe.concurrent("a run", { timeout: 60_000 }, () => {
  const start = (script: string, more: object = {}) => {
    const how = { cwd: root, env: { PATH: "/usr/bin:/bin" }, input: "", limitMs: 30_000, ...more };
    return runCommand({ program: "/bin/sh", args: ["-c", script], signal: new AbortController().signal, ...how });
  };

  test("is ended at its limit with all that it started, and keeps what it said", async ({ expect }) => {
    const { stdout, ...outcome } = await start("sleep 600 & echo $!; wait", { limitMs: 3_000 });
    expect(outcome).toMatchObject({ ended: "limit", signal: "SIGKILL", leftBehind: [] });
    await expect.poll(() => isRunning(Number(stdout)), { timeout: 20_000 }).toBe(false);
  });

  test("tells what it left behind, and who held its pipes", async ({ expect }) => {
    const { stdout, ...outcome } = await start("sleep 600 & echo $!");
    expect(outcome).toMatchObject({ ended: undefined, code: 0, pipes: "open", leftBehind: ["sleep 600"] });
    await expect.poll(() => isRunning(Number(stdout)), { timeout: 20_000 }).toBe(false);
  });

  test("that cannot be started says why", async () => {
    expect(await start("", { program: join(root, "nothing") })).toMatchObject({
      code: null,
      stderr: expect.stringContaining("ENOENT"),
    });
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the report's form", () => {
  const question = { id: "x", asks: "?", why: "!", prompts: 1, judge: () => "" };
  const asked = (...runs: Run[]) => [{ question, runs, verdict: "as expected: yes" }];

  test("control characters can be read", () => expect(visible("\x1b[1m\r\n\t\x07")).toBe("\\x1b[1m\\x0d\n\t\\x07"));

  test("long streams lose their middle, and one that was cut its end", () => {
    const long = `HEAD${"x".repeat(5_000)}TAIL`;
    expect(renderReport([], asked(run({ stdout: long })))).toMatch(/HEAD[\s\S]*characters left out[\s\S]*TAIL/);
    expect(renderReport([], asked(run({ stdout: long, cut: true })))).not.toContain("TAIL");
  });

  test("however much was seen, an issue takes it", () => {
    const runs = Array.from({ length: 60 }, () => run({ stdout: "x".repeat(9_000), stderr: "y".repeat(9_000) }));
    expect(renderReport([], asked(...runs)).length).toBeLessThan(65_536);
  });
});

const scripted = {
  ...prompts,
  recall: `${prompts.recall} !!recall!!`,
  tool: `${prompts.tool} !!narrate I am looking.!! !!tool probe get_word {}!! !!say KESTREL!!`,
  bird: `${prompts.bird} !!system!!`,
  long: `${prompts.long} !!say one, two, three!! !!sleep 600000!!`,
};

interface Person {
  home: string;
  data: string;
  options: ProbeOptions;
  lines: string[];
}

let people = 0;
function person(
  settings: Record<string, unknown>,
  env: Record<string, string> = {},
  more: Partial<ProbeOptions> = {},
): Person {
  const home = join(root, `person-${(people += 1)}`);
  const lines: string[] = [];
  const program = installKiroCli(join(home, "bin"), { settings: { platform: "linux", ...settings } });
  const options: ProbeOptions = {
    ...{ program, env: { PATH: process.env["PATH"], ...env }, home, platform: "linux", prompts: scripted, only: [] },
    ...{ user: "zoe", host: "zoes-laptop", limitMs: 60_000, totalMs: 600_000, now: () => 0 },
    ...{ signal: new AbortController().signal, confirm: () => Promise.resolve(true) },
    progress: (line) => lines.push(line),
    ...more,
  };
  return { home, data: join(home, ".local/share/kiro-cli/data.sqlite3"), options, lines };
}

const KEY = { KIRO_API_KEY: "ksk_good_0123456789" };
const token = {
  access_token: "at-of-zoe-0123456789",
  refresh_token: "rt-of-zoe-0123456789",
  expires_at: "2999-01-01T00:00:00Z",
};

/** A login, and a session of each engine's in another directory. */
function logIn({ home, data }: Person): void {
  const write = (path: string, content: unknown) => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), JSON.stringify(content));
  };
  write(".kiro/sessions/cli/11111111-1111.json", { session_id: "11111111-1111", cwd: "/work/of/zoe" });
  write(".kiro/sessions/0123456789abcdef/sess_1/session.json", { id: "sess_1", cwd: "/work/of/zoe" });
  mkdirSync(dirname(data), { recursive: true });
  using db = new DatabaseSync(data);
  db.exec(`CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE conversations_v2 (key TEXT NOT NULL, conversation_id TEXT NOT NULL, value TEXT NOT NULL,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (key, conversation_id));
    INSERT INTO conversations_v2 VALUES ('/work/of/zoe', 'c1', '{}', 1, 1)`);
  db.prepare("INSERT INTO auth_kv VALUES (?, ?)").run("kirocli:odic:token", JSON.stringify(token));
}

const verdicts = (report: string | undefined): Record<string, string> =>
  Object.fromEntries(
    [...(report ?? "").matchAll(/^([a-z][\w-]*) {2,}([a-z ]+): /gm)].map(([, id = "", word = ""]) => [id, word]),
  );
const lineOf = (report: string | undefined, id: string) =>
  report?.split("\n").find((line) => line.startsWith(`${id} `));

describe.concurrent("against the stand-in", { timeout: 120_000 }, () => {
  test("with an API key everything is as expected, in a home of its own that is gone afterwards", async () => {
    const { home, options, lines } = person({ version: "2.29.0" }, KEY);
    const report = await probe(options);
    const found = Object.entries(verdicts(report)).filter(([, word]) => word !== "as expected");
    // Two turns at once in one session: what the second finds half written is a matter of chance.
    expect(found.filter(([id]) => id !== "together")).toEqual([]);
    expect(Object.keys(verdicts(report))).toEqual(questions.filter(({ optional }) => !optional).map(({ id }) => id));
    expect(report).not.toContain(KEY.KIRO_API_KEY);
    expect(report).not.toContain(root);
    expect(lines.join()).not.toContain(KEY.KIRO_API_KEY);
    expect(report).toMatch(/stored: cli\/[\w-]+\.json \{session_id: string/);
    expect(readdirSync(home)).toEqual(["bin"]);
  });

  test("with a login it works in the person's home, and leaves there what was there before", async () => {
    const zoe = person({ version: "2.29.0", refresh: true });
    logIn(zoe);
    const only = ["whoami", "stream-v2", "stream-v3", "conversations", "resume-known", "killed", "wrong-key"];
    const report = await probe({ ...zoe.options, only });
    expect(verdicts(report)).toMatchObject({ "resume-known": "as expected", conversations: "as expected" });
    expect(lineOf(report, "wrong-key")).toContain("could not tell: only with an API key");
    expect(report).not.toMatch(/of-zoe-0123456789|\bzoe\b/);
    const files = readdirSync(join(zoe.home, ".kiro"), { recursive: true, withFileTypes: true });
    expect(files.filter((each) => each.isFile()).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["11111111-1111.json", "session.json"]),
    );
    expect(files.filter((each) => each.isFile())).toHaveLength(2);
    using db = new DatabaseSync(zoe.data);
    expect(db.prepare("SELECT key FROM conversations_v2").all()).toEqual([{ key: "/work/of/zoe" }]);
    expect(db.prepare("SELECT key FROM auth_kv").all()).toContainEqual({ key: "kirocli:odic:token" });
  });

  test("values of a login are removed, of one that was renewed meanwhile too", async () => {
    const zoe = person({ version: "2.29.0", refresh: true });
    logIn(zoe);
    const shown = { ...scripted, pong: `PONG !!stderr it was ${token.refresh_token}!!` };
    const report = await probe({ ...zoe.options, prompts: shown, only: ["plain-classic", "plain-v2"] });
    expect(report).toContain("it was [removed: secret");
    expect(report).not.toContain(token.refresh_token);
  });

  test("an old version has one form, and what needs another cannot be told", async () => {
    const { options } = person({ version: "2.1.0" }, KEY);
    const report = await probe({
      ...options,
      only: ["flags", "plain-classic", "stream-v2", "resume-none", "killed", "tools-plain-classic"],
    });
    expect(report).toContain("the runner's form: plain-classic");
    expect(lineOf(report, "flags")).toContain("different: not in the help: --resume-id, --output-format");
    expect(lineOf(report, "killed")).toContain("could not tell: this version has no stream-json");
    expect(verdicts(report)).toMatchObject({
      "plain-classic": "as expected",
      "resume-none": "as expected",
      "tools-plain-classic": "as expected",
    });
  });

  test("known troubles of the real one are told", async () => {
    const bugs = { "mcp-off-with-key": true, "children-left": true, "lock-honoured": true };
    const { options } = person({ version: "2.29.0", bugs }, KEY);
    const report = await probe({
      ...options,
      only: ["stream-v3", "tools-stream-v2", "stale-lock", "pipes", "messages"],
    });
    expect(lineOf(report, "tools-stream-v2")).toContain("MCP functionality disabled");
    expect(lineOf(report, "stale-lock")).toContain("of a living one: refused");
    expect(lineOf(report, "pipes")).toContain("1 left a pipe open and 1 left processes behind");
    expect(report).toMatch(/left behind: .*acp-server\.js/);
  });

  test("at a limit it says so, and not that something is different", async () => {
    const { options } = person({ version: "2.29.0", fail: "monthly-limit" }, KEY);
    const report = await probe({ ...options, only: ["plain-v2", "killed", "messages"] });
    expect(lineOf(report, "plain-v2")).toContain("could not tell: it said “error: Monthly request limit reached");
    expect(lineOf(report, "messages")).toContain("Monthly request limit reached");
  });

  test("without a login nothing is sent", async () => {
    const { options } = person({ version: "2.29.0" });
    const report = await probe(options);
    expect(lineOf(report, "stream-v2")).toContain("could not tell: kiro-cli is not logged in");
    expect(report).toContain("At most 0 prompts");
    expect(report).not.toContain('--no-interactive",');
  });

  test("the person is told how many prompts there will be, and may refuse", async () => {
    let announced = "";
    const confirm = (words: string) => Promise.resolve((announced = words) === "");
    const { options } = person({ version: "2.29.0" }, KEY, { confirm, only: ["killed", "plain-v2", "version"] });
    expect(await probe(options)).toBeUndefined();
    expect(announced).toContain("at most 5 short prompts");
  });

  test("an interrupt ends what runs, and the report of the rest is made", async () => {
    const stop = new AbortController();
    const { options } = person({ version: "2.29.0" }, KEY, {
      signal: stop.signal,
      only: ["version", "plain-v2", "killed"],
    });
    const report = await probe({ ...options, progress: () => stop.abort() });
    expect(verdicts(report)).toMatchObject({
      version: "as expected",
      "plain-v2": "could not tell",
      killed: "could not tell",
    });
  });
});

describe.concurrent("npm run kiro:probe", { timeout: 60_000 }, () => {
  async function start(args: readonly string[], env: Record<string, string> = {}) {
    const program = fileURLToPath(new URL("kiro-probe.ts", import.meta.url));
    const child = spawn(process.execPath, [program, ...args], { env: { PATH: root, HOME: root, ...env } });
    child.stdin.end();
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { out, err, code };
  }

  test("without any kiro-cli it says so in one sentence", async () => {
    const { out, err, code } = await start(["--yes"]);
    expect({ out, err, code }).toEqual({
      out: "",
      err: "There is no kiro-cli: install it, or name it with --kiro-cli <path>.\n",
      code: 1,
    });
    expect((await start(["--kiro-cli", join(root, "nothing")])).err).toBe(err);
  });

  test("--list and --help need no kiro-cli", async () => {
    const list = (await start(["--list"])).out;
    expect(list.trim().split("\n")).toHaveLength(questions.length);
    expect((await start(["--help"])).out).toContain("--only a,b");
  });

  test("what is misspelt is refused", async () => {
    expect(await start(["--only", "version,plane"])).toMatchObject({ code: 2, err: expect.stringContaining("plane") });
    expect(await start(["--onyl"])).toMatchObject({ code: 2 });
  });

  test("it sends nothing where nobody can be asked, and writes the report where it is told to", async () => {
    const program = installKiroCli(join(root, "bin-of-all"));
    const file = join(root, "report.txt");
    const args = ["--kiro-cli", program, "--only", "version,plain-v2", "--out", file];
    expect(await start(args, KEY)).toMatchObject({ code: 1, err: expect.stringContaining("say --yes") });
    expect(existsSync(file)).toBe(false);
    expect(await start([...args, "--yes"], KEY)).toMatchObject({ code: 0, out: "" });
    expect(readFileSync(file, "utf8")).toContain("as expected: 2.29.0");
  });
});
