// The whole backend against the stand-in for kiro-cli: every shape, with what goes wrong in it.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { installKiroCli } from "../../../../../test/kiro-cli/bundle.ts";
import { apiKey, createKiroStage, type KiroStage, type Told } from "../../../test/kiro-stage.ts";

const root = mkdtempSync(join(tmpdir(), "nanoclaw-kiro-cli-"));
const bin = join(root, "bin");
installKiroCli(bin);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const versions = ["1.25.0", "2.10.0", "2.19.2", "2.29.0", "3.0.0"];
const recap = "12:00 Ann: my dog is called Rex";

/** Versions before 2.0 know no key: each stage has a login too. */
function stageWith(settings: Record<string, unknown>): KiroStage {
  const probe = join(root, `probe-${JSON.stringify(settings["version"])}.json`);
  const stage = createKiroStage({ bin, env: { NANOCLAW_KIRO_PROBE: probe } });
  stage.inHome(".kiro-standin.json", settings);
  mkdirSync(dataFolder(stage), { recursive: true });
  using db = new DatabaseSync(join(dataFolder(stage), "data.sqlite3"));
  db.exec("CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT)");
  const token = { access_token: "at", refresh_token: "rt", expires_at: new Date(Date.now() + 3_600_000).toISOString() };
  db.prepare("INSERT INTO auth_kv VALUES (?, ?)").run("kirocli:odic:token", JSON.stringify(token));
  return stage;
}

const dataFolder = ({ home }: KiroStage): string => join(home, ".local", "share", "kiro-cli");

function textOf({ answer }: Told): string {
  if (answer.status !== "ok") throw new Error(`not answered: ${answer.class}: ${answer.error}`);
  return answer.text;
}

describe.each(versions)("kiro-cli %s", (version) => {
  test("answers, and goes on with its conversation", async () => {
    using stage = stageWith({ version });
    const first = await stage.say("!!remember the word is plum!!");
    expect(textOf(first)).toBe("I will remember: the word is plum");
    expect(first.answer.session).toMatch(/^[\w-]{36}$/);
    expect(first.frames).toContainEqual({ type: "session", session: first.answer.session });
    const second = await stage.say("!!recall!!", { session: first.answer.session, recap });
    expect(textOf(second)).toContain("the word is plum");
    expect(textOf(second)).not.toContain("Rex");
    expect(second.answer.session).toBe(first.answer.session);
  });

  test("keeps paragraphs and code, and takes narration and tools away from the answer", async () => {
    using stage = stageWith({ version });
    writeFileSync(join(stage.cwd, "note.md"), "> not an answer\n - Completed in 9s\n\n> neither\n");
    const told = await stage.say("!!narrate I look first.!! !!read note.md!! !!say It says:\\n\\n  a\\n\\n  b!!");
    expect(textOf(told)).toBe("It says:\n\n  a\n\n  b");
    expect(told.tools).toHaveLength(2);
    expect(told.tools[1]).toMatch(/ done$/);
    expect(told.text).toContain("I look first.");
  });

  test("takes a tool that prints markers of an answer for what it is", async () => {
    using stage = stageWith({ version });
    const told = await stage.say(`!!shell printf '> fake answer\\n - Completed in 1s\\n'!! !!say The true one!!`);
    expect(textOf(told)).toBe("The true one");
  });

  test("a new conversation gets the record before its prompt, marked as such", async () => {
    using stage = stageWith({ version });
    const first = await stage.say("!!say hello!!", { recap });
    const second = await stage.say("!!recall!!", { session: first.answer.session });
    expect(textOf(second)).toMatch(/^<earlier note="[^"]+">\n12:00 Ann: my dog is called Rex\n<\/earlier>\n\n/);
  });

  test("a conversation that is gone is replaced by a new one with the record, once", async () => {
    using stage = stageWith({ version });
    const other = "00000000-0000-4000-8000-000000000000";
    const told = await stage.say("!!say anew!!", { session: other, recap });
    expect(textOf(told)).toBe("anew");
    expect(told.answer.session).not.toBe(other);
    expect(told.log.join("\n")).toMatch(/new (one|conversation) is started/);
    const next = await stage.say("!!recall!!", { session: told.answer.session });
    expect(textOf(next)).toContain("my dog is called Rex");
  });

  test("an isolated run leaves no trace in the group's conversation", async () => {
    using stage = stageWith({ version });
    const group = await stage.say("!!remember apples!!");
    await stage.say("!!remember secret pears!!");
    const next = await stage.say("!!recall!!", { session: group.answer.session, recap });
    expect(textOf(next)).not.toContain("pears");
    expect(textOf(next)).toMatch(/apples|Rex|Nothing yet/);
  });
});

describe.each(["2.10.0", "2.29.0"])("kiro-cli %s in trouble", (version) => {
  test.each([
    ["rate-limit", "limit-reached", /once more|in a minute/],
    ["too-many", "limit-reached", /in a minute/],
    ["throttled", "limit-reached", /in a minute/],
    ["monthly-usage", "limit-reached", /monthly/],
    ["trouble", "crash", /trouble/],
    ["token-expired", "logged-out", /kiro-cli login|KIRO_API_KEY/],
    ["api-key", "logged-out", /KIRO_API_KEY/],
    ["crash", "crash", /panicked/],
    ["oom", "crash", /SIGKILL/],
    ["half", "crash", /code 1/],
    ["half 0", "crash", /no answer/],
    ["empty", "crash", /empty answer/],
    ["silent", "crash", /no answer/],
    ["logged-out-1", "logged-out", /KIRO_API_KEY/],
    ["logged-out-2", "logged-out", /KIRO_API_KEY/],
    ["logged-out-3", "logged-out", /KIRO_API_KEY/],
  ])("%s is told as %s", async (kind, errorClass, sentence) => {
    using stage = stageWith({ version });
    const { answer } = await stage.say(`!!fail ${kind}!!`);
    expect(answer).toMatchObject({ status: "error", class: errorClass, error: expect.stringMatching(sentence) });
    expect(answer).toMatchObject({ error: expect.stringContaining(`kiro-cli ${version}`) });
    const say = answer.status === "error" ? answer.say : "";
    if (errorClass === "crash") expect(say).toBeUndefined();
    else expect(say).toMatch(sentence);
  });

  test("the day when the monthly limit resets is passed on", async () => {
    using stage = stageWith({ version });
    const { answer } = await stage.say("!!fail monthly-limit!!");
    const now = new Date();
    const year = now.getUTCMonth() === 11 ? now.getUTCFullYear() + 1 : now.getUTCFullYear();
    expect(answer).toMatchObject({ class: "limit-reached", resetsAt: Date.UTC(year, 11, 1) });
  });

  test("an answer that talks of failures is an answer", async () => {
    using stage = stageWith({ version });
    const words =
      "rate limit\\nerror: You are not logged in\\nMonthly request limit reached\\nConfirm the following code";
    const told = await stage.say(`!!say On errors:\\n${words}!!`);
    expect(textOf(told)).toContain("You are not logged in");
  });

  test("a failed conversation is left for a new one only when no tool was called", async () => {
    using stage = stageWith({ version });
    const { answer } = await stage.say("!!say hi!!");
    const acted = await stage.say("!!shell touch done!! !!fail crash!!", { session: answer.session, recap });
    expect(acted.answer).toMatchObject({ status: "error", class: "crash", session: answer.session });
    expect(acted.log.join("\n")).not.toMatch(/new one is started/);
    expect(existsSync(join(stage.cwd, "done"))).toBe(true);
  });

  test("an agent that is not there is no turn for the default one", async () => {
    using stage = stageWith({ version });
    const { answer } = await stage.say("!!say hi!!", { agent: { name: "nobody" } });
    expect(answer).toMatchObject({ status: "error", class: "agent-missing", error: expect.stringContaining("nobody") });
  });

  test("an agent file in the group's folder that stands before ours ends the run", async () => {
    using stage = stageWith({ version });
    mkdirSync(join(stage.cwd, ".kiro", "agents"), { recursive: true });
    writeFileSync(join(stage.cwd, ".kiro", "agents", "nanoclaw-main.json"), '{"name":"nanoclaw-main"}');
    const { answer } = await stage.say("!!say hi!!");
    expect(answer).toMatchObject({
      class: "agent-missing",
      error: expect.stringContaining(".kiro/agents/nanoclaw-main"),
    });
  });

  test("a model that is not there is named", async () => {
    using stage = stageWith({ version });
    const { answer } = await stage.say("!!say hi!!", { agent: { model: "gpt-0" } });
    expect(answer).toMatchObject({ status: "error", class: "agent-missing", error: expect.stringContaining("gpt-0") });
  });

  test("what cannot be waited for is not waited for", async () => {
    using stage = stageWith({ version, loggedOut: 1 });
    rmSync(dataFolder(stage), { recursive: true });
    const { answer } = await stage.say("!!say hi!!", { secrets: {} });
    expect(answer).toMatchObject({ class: "logged-out", error: expect.stringContaining("kiro-cli login") });
  });

  test("a flood ends the run", async () => {
    using stage = stageWith({ version });
    const { answer, frames } = await stage.say("!!bytes 3000000!!", { limits: { outputBytes: 64 * 1024 } });
    expect(answer).toMatchObject({ status: "error", class: "output-cap" });
    expect(JSON.stringify(frames).length).toBeLessThan(32 * 1024);
  });

  test("the host's signal ends it", async () => {
    using stage = stageWith({ version });
    const stop = new AbortController();
    const told = stage.say("!!say first!! !!deaf!! !!fail hang!!", {
      signal: stop.signal,
      onFrame: () => stop.abort(),
    });
    expect((await told).answer.status).toBe("error");
  });

  test("the key is the turn's own, and nobody is told of it", async () => {
    using stage = stageWith({ version });
    const told = await stage.say("!!env KIRO_API_KEY!!");
    expect(textOf(told)).toBe(`KIRO_API_KEY=${apiKey}`); // the frames of a turn are redacted as they are written
    expect(textOf(await stage.say("!!env KIRO_API_KEY!!", { secrets: {} }))).toBe("KIRO_API_KEY is not set");
  });
});

describe("a store that groups share", () => {
  test.each(versions)("is never asked for the newest conversation (%s)", async (version) => {
    using stage = stageWith({ version });
    const shared = { agent: { sharedStore: true } };
    await stage.say("!!remember somebody else's plum!!", shared);
    const marked = await stage.say("!!recall!!", { ...shared, session: "kiro:main", recap });
    expect(textOf(marked)).not.toContain("plum");
    const again = await stage.say("!!recall!!", { ...shared, session: marked.answer.session, recap });
    expect(textOf(again)).not.toContain("plum");
  });
});

test("V2's plain text is an answer where its session file proves it", async () => {
  using stage = stageWith({ version: "1.30.0", engine: "v2" });
  const first = await stage.say("!!say The rate limit!! !!say > is 5.!!");
  expect(textOf(first)).toBe("The rate limit\n> is 5.");
  expect(first.answer.session).toMatch(/^[\w-]{36}$/);
  const second = await stage.say("!!shell true!! !!recall!!", { session: first.answer.session, recap });
  expect(textOf(second)).toContain("rate limit");
  expect(second.tools).toEqual(["Running: true started", "Running: true done"]);
  const shared = await stage.say("!!say hi!!", { agent: { sharedStore: true } });
  expect(shared.answer).toMatchObject({ status: "error", class: "crash" });
});

test("the older table's conversation goes on, and a footer may be on stdout", async () => {
  using stage = stageWith({ version: "1.25.0", legacyTable: true, bugs: { "footer-on-stdout": true } });
  const first = await stage.say("!!remember plum!!");
  expect(textOf(first)).toBe("I will remember: plum");
  const second = await stage.say("!!recall!!", { session: first.answer.session, recap });
  expect(textOf(second)).toContain("plum");
});

test("a final text that is cut off is not the answer", async () => {
  using stage = stageWith({ version: "2.29.0", finalTextLimit: 10 });
  const told = await stage.say("!!narrate Looking into it.!! !!shell true!! !!say All of this is the answer.!!");
  expect(textOf(told)).toBe("All of this is the answer.");
});

test("a killed turn's conversation, which cannot be resumed, is replaced", async () => {
  using stage = stageWith({ version: "2.29.0", bugs: { "killed-turn-unresumable": true } });
  const first = await stage.say("!!remember plum!!");
  await stage.say("!!fail oom!!", { session: first.answer.session });
  const next = await stage.say("!!say anew!!", { session: first.answer.session, recap });
  expect(textOf(next)).toBe("anew");
  expect(next.log.join("\n")).toContain("Agent connection closed unexpectedly");
  expect(next.answer.session).not.toBe(first.answer.session);
});

test("words from servers that did not start go to the log", async () => {
  using stage = stageWith({ version: "2.29.0" });
  stage.inHome(".kiro/agents/nanoclaw-main.json", {
    name: "nanoclaw-main",
    tools: ["*"],
    mcpServers: { nanoclaw: { command: "/nowhere/server" } },
  });
  const told = await stage.say("!!say hi!!");
  expect(textOf(told)).toBe("hi");
  expect(told.log.join("\n")).toMatch(/nanoclaw has failed to load/);
});

test("MCP that is off with API keys goes to the log", async () => {
  using stage = stageWith({ version: "2.29.0", bugs: { "mcp-off-with-key": true } });
  const told = await stage.say("!!say hi!!");
  expect(textOf(told)).toBe("hi");
  expect(told.log.join("\n")).toContain("MCP functionality disabled");
});

test("a limit on the way to a resumed conversation does not cost the conversation", async () => {
  using stage = stageWith({ version: "2.29.0" });
  const first = await stage.say("!!say hi!!");
  const told = await stage.say("!!fail too-many!!", { session: first.answer.session, recap });
  expect(told.answer).toMatchObject({ class: "limit-reached", session: first.answer.session });
  expect(told.log).toEqual([]);
});

test("a login that waits for a person in mid-turn is not waited for", async () => {
  using stage = stageWith({ version: "2.10.0" });
  const told = await stage.say("!!stderr Confirm the following code in the browser!! !!fail hang!!");
  expect(told.answer).toMatchObject({ class: "logged-out" });
});

test("a marker of an older runner means the newest conversation here", async () => {
  using stage = stageWith({ version: "2.29.0" });
  await stage.say("!!remember plum!!");
  const told = await stage.say("!!recall!!", { session: "kiro:main", recap });
  expect(textOf(told)).toContain("plum");
  expect(told.answer.session).toMatch(/^[\w-]{36}$/);
});

test("a marker without any conversation gets the record instead", async () => {
  using stage = stageWith({ version: "2.29.0" });
  const told = await stage.say("!!say hi!!", { session: "kiro:main", recap });
  expect(textOf(told)).toBe("hi");
  expect(textOf(await stage.say("!!recall!!", { session: told.answer.session }))).toContain("Rex");
});
