// The stand-in against docs/kiro-facts.md, section by section. It knows nothing of the product.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bundleKiroCli, installKiroCli } from "./bundle.ts";

const root = mkdtempSync(join(tmpdir(), "kiro-cli-"));
const KEY = { KIRO_API_KEY: "ksk_good" };
const echo = { command: process.execPath, args: [fileURLToPath(new URL("echo-server.ts", import.meta.url))] };
const stamp = { access_token: "at", refresh_token: "rt" };
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

beforeAll(() => void installKiroCli(join(root, "bin")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface How {
  stdin?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Ends it when this is on stdout. */
  killAt?: string;
  signal?: NodeJS.Signals;
}

class Place {
  readonly home = mkdtempSync(join(root, "home-"));
  readonly cwd = mkdtempSync(join(root, "cwd-"));

  simulate(settings: Record<string, unknown>): this {
    writeFileSync(join(this.home, ".kiro-standin.json"), JSON.stringify(settings));
    return this;
  }

  write(path: string, content: unknown): this {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return this;
  }

  agent(name: string, config: Record<string, unknown>): this {
    return this.write(join(this.home, ".kiro", "agents", `${name}.json`), config);
  }

  database(folder = join(this.home, ".local/share/kiro-cli")): DatabaseSync {
    mkdirSync(folder, { recursive: true });
    return new DatabaseSync(join(folder, "data.sqlite3"));
  }

  token(key: string, value: Record<string, unknown>, folder?: string): this {
    using db = this.database(folder);
    db.exec("CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT)");
    db.prepare("INSERT OR REPLACE INTO auth_kv VALUES (?, ?)").run(key, JSON.stringify(value));
    return this;
  }

  async kiro(args: readonly string[], { stdin = "", env = KEY, cwd = this.cwd, killAt, signal }: How = {}) {
    const child = spawn(join(root, "bin", "kiro-cli"), args, { cwd, env: { HOME: this.home, ...env } });
    child.stdin.on("error", () => undefined).end(stdin);
    let seen = "";
    child.stdout.on("data", (data: Buffer) => {
      seen += data.toString();
      if (killAt !== undefined && seen.includes(killAt) && !child.killed) child.kill(signal ?? "SIGKILL");
    });
    child.stderr.on("data", (data: Buffer) => {
      if (data.toString().includes("SIGTERM is ignored")) child.kill("SIGKILL");
    });
    const ended = new Promise<[number | null, string | null]>((done) =>
      child.on("exit", (code, by) => done([code, by])),
    );
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code, killed] = await ended;
    return { out, err, code, killed };
  }

  chat(prompt: string, args: readonly string[] = [], how: How = {}) {
    return this.kiro(["chat", "--no-interactive", ...args], { stdin: prompt, ...how });
  }

  async stream(prompt: string, args: readonly string[] = [], how: How = {}) {
    const { out, ...rest } = await this.chat(prompt, ["--output-format", "stream-json", ...args], how);
    const lines = out.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown> });
    const last = events.at(-1);
    return { ...rest, out, events, last, id: String(last?.data["sessionId"]), said: String(last?.data["finalText"]) };
  }
}

const on = (version: string, more: Record<string, unknown> = {}) => new Place().simulate({ version, ...more });
// eslint-disable-next-line no-control-regex
const bare = (shown: string) => shown.replaceAll(/\u001b\[[\d;]*m/g, "");

describe.concurrent("1: versions and engines", () => {
  test.each([
    ["1.25.0", [], "v1"],
    ["2.27.1", [], "v1"],
    ["2.28.0", [], "v2"],
    ["3.0.0", [], "v2"],
    ["3.0.0", ["--v3"], "v3"],
    ["2.10.0", ["--agent-engine", "v2"], "v2"],
    ["2.29.0", ["--classic"], "v1"],
  ])("%s with %j runs %s", async (version, args, engine) => {
    const place = on(version).token("kirocli:odic:token", { ...stamp, expires_at: inAnHour() });
    const { out, err } = await place.chat("!!say hi!!", args, { env: {} });
    const seen = out.includes("> ") ? "v1" : err.includes("[INFO]") ? "v3" : "v2";
    expect(seen).toBe(engine);
  });

  test("since 2.15 it wants its sibling beside it", async () => {
    const lone = bundleKiroCli(join(root, "lone", "kiro-cli"), {
      settings: { version: "2.15.0" },
      node: process.execPath,
    });
    const child = spawn(lone, ["chat", "--no-interactive", "hi"], { env: { HOME: root, ...KEY } });
    const [err] = await Promise.all([text(child.stderr), text(child.stdout)]);
    expect(err).toContain("kiro-cli-chat");
  });

  test("the version and what is baked in", async () => {
    expect((await on("2.5.0").kiro(["--version"])).out).toBe("kiro-cli 2.5.0\n");
    expect((await new Place().kiro(["version"])).out).toBe("kiro-cli 2.29.0\n");
  });
});

describe.concurrent("2: command lines", () => {
  test.each([
    ["2.1.0", "--resume-id=x", false],
    ["2.5.0", "--resume-id=x", true],
    ["2.7.0", "--agent-engine=v2", false],
    ["2.10.0", "--agent-engine=v2", true],
    ["2.19.1", "--output-format=stream-json", false],
    ["2.19.2", "--agent-engine=v2 --output-format=stream-json", true],
  ])("%s knows %s: %s", async (version, line, known) => {
    const place = on(version);
    const args = line.split(" ");
    const { code, err } = await place.chat("hi", args);
    expect(code === 2 && err.includes("unexpected argument")).toBe(!known);
    const help = (await place.kiro(["chat", "--help"])).out;
    expect(args.every((arg) => help.includes(arg.split("=")[0] ?? ""))).toBe(known);
  });

  test("takes the prompt from the argument or from stdin, and a dash for a flag", async () => {
    const place = new Place();
    expect((await place.kiro(["chat", "--no-interactive", "!!say one!!"])).out).toBe("one\n");
    expect((await place.kiro(["chat", "--no-interactive", "--", "-x"])).out).toContain("I read: -x");
    expect((await place.kiro(["chat", "--no-interactive", "-x"])).code).toBe(2);
    const { code, err } = await place.chat("");
    expect([code, err]).toEqual([1, "error: Input must be supplied when running in non-interactive mode\n"]);
  });

  test("a value that is not allowed is 1, a missing one 2", async () => {
    expect((await new Place().chat("hi", ["--wrap", "sometimes"])).code).toBe(1);
    expect((await new Place().chat("hi", ["--model"])).code).toBe(2);
  });
});

describe.concurrent("3: what it prints", () => {
  const script = "!!narrate I'll look.!! !!shell echo found!! !!say Done: it is `there`.!!";

  test("V1 decorates: a marker before each piece, tool lines, the footer on stderr", async () => {
    const { out, err } = await on("2.5.0").chat(script, ["-a", "--wrap", "never"]);
    expect(out).toContain("\u001b[38;5;141m> \u001b[0m");
    expect(bare(out)).toBe(
      "> I'll look.\nI will run the following command: echo found (using tool: shell)\n\nfound\n" +
        " - Completed in 0.1s\n\n> Done: it is there.\n",
    );
    expect(bare(err)).toContain("All tools are now trusted (!).");
    expect(bare(err)).toMatch(/ ▸ Credits: 0\.07 • Time: \d+s/);
  });

  test("V1 under NO_COLOR has empty escapes, folds without --wrap never, and renders Markdown unless told", async () => {
    const place = on("2.5.0");
    const words = "word ".repeat(40).trim();
    const { out } = await place.chat(`!!say ${words}\n\n\`\`\`sh\nls\n\`\`\`\n> quoted!!`, [], {
      env: { ...KEY, NO_COLOR: "1" },
    });
    expect(out).toContain("\u001b[m> \u001b[m");
    expect(
      Math.max(
        ...bare(out)
          .split("\n")
          .map((line) => line.length),
      ),
    ).toBeLessThan(82);
    expect(bare(out)).toMatch(/\nsh\nls\n│ quoted/);
    await place.kiro(["settings", "chat.disableMarkdownRendering", "true"]);
    expect(bare((await place.chat("!!say ```sh\nls\n```!!", ["--wrap=never"])).out)).toBe("> ```sh\nls\n```\n");
  });

  test("V2 prints the model's text alone, joined; the rest on stderr", async () => {
    const { out, err } = await new Place().chat(script, ["-a"]);
    expect(out).toBe("I'll look.Done: it is `there`.\n");
    expect(err).toBe("[tool] Running: echo found\n[tool] status: Completed\n\n");
  });

  test("V3 tells more, and its children may hold the pipes", async () => {
    const { err } = await on("3.0.0").chat(script, ["--v3", "-a"]);
    expect(err).toContain("[INFO]");
    expect(err).toContain("[tool] status: InProgress\n");
    const model = await on("3.0.0").chat("hi", ["--v3", "--model", "none"]);
    expect([model.code, model.err]).toEqual([1, "Error: The model 'none' is not available\n"]);

    const place = on("3.0.0", { bugs: { "children-left": true } });
    const child = spawn(join(root, "bin", "kiro-cli"), ["chat", "--v3", "--no-interactive", "hi"], {
      ...{ cwd: place.cwd, env: { HOME: place.home, ...KEY }, detached: true },
    });
    const closed = new Promise<boolean>((done) => child.on("close", () => done(true)));
    child.stdout.resume();
    child.stderr.resume();
    await new Promise((done) => child.on("exit", done));
    expect(await Promise.race([closed, new Promise((done) => setTimeout(() => done("open"), 200))])).toBe("open");
    process.kill(-Number(child.pid));
    expect(await closed).toBe(true);
  });

  test("stream-json proves success with the id; finalText is everything joined", async () => {
    const { events, code, last } = await new Place().stream(script, ["-a"]);
    const updates = events.map(
      ({ type, data }) => (data["update"] as { sessionUpdate?: string })?.sessionUpdate ?? type,
    );
    expect(code).toBe(0);
    expect(updates).toEqual([
      ...["runStarted", "metadata", "agent_message_chunk", "tool_call", "tool_call_update"],
      ...["agent_message_chunk", "metadata", "runFinished"],
    ]);
    expect(last?.data).toMatchObject({ status: "success", stopReason: "end_turn", finalTextTruncated: false });
    expect(last?.data["finalText"]).toBe("I'll look.Done: it is `there`.");
    expect(events[0]?.data["engine"]).toBe("v2");
  });

  test.each([[], ["--classic", "--wrap=never"], ["--output-format=stream-json"]])(
    "a long answer comes out whole: %j",
    async (...args) => {
      const { out, code } = await new Place().chat("!!bytes 1000000!! !!say The end!!", args);
      expect([code, out.includes("The end"), out.length > 1e6]).toEqual([0, true, true]);
    },
  );

  test("stream-json is refused by V1 and truncated when told", async () => {
    const refused = await on("2.20.0").stream("hi");
    expect([refused.code, refused.last?.data["stage"]]).toEqual([1, "engine"]);
    const { last } = await on("2.29.0", { finalTextLimit: 3 }).stream("!!say truncated!!");
    expect(last?.data).toMatchObject({ finalText: "tru", finalTextTruncated: true });
  });
});

describe.concurrent("4: exit codes", () => {
  test.each([
    ["2.5.0", "rate-limit", 0],
    ["2.5.0", "monthly-limit", 0],
    ["2.5.0", "token-expired", 0],
    ["2.5.0", "api-key", 0],
    ["2.5.0", "history", 1],
    ["2.29.0", "rate-limit", 1],
    ["2.29.0", "api-key", 0],
    ["2.29.0", "crash", 101],
    ["2.29.0", "half", 1],
    ["2.29.0", "half 0", 0],
    ["2.29.0", "empty", 0],
    ["2.29.0", "silent", 0],
    ["2.29.0", "logged-out-2", 1],
    ["2.29.0", "logged-out-3", 1],
  ])("%s %s ends with %i", async (version, failure, wanted) => {
    const { code, out, err } = await on(version).chat(`!!fail ${failure}!!`);
    expect(code).toBe(wanted);
    expect(err).not.toContain("Credits");
    if (!/half|logged/.test(failure)) expect(out.trim()).toBe("");
  });

  test("in stream-json a failure is runError and 1", async () => {
    const { code, last } = await new Place().stream("!!say one!! !!fail monthly-limit!!");
    expect([code, last?.type, last?.data["stage"]]).toEqual([1, "runError", "prompt"]);
    expect(last?.data["message"]).toContain("Monthly request limit reached");
  });

  test("a key the service does not take is the false zero", async () => {
    const { code, out, err } = await on("2.4.2").chat("hi", [], { env: { KIRO_API_KEY: "ksk_invalid" } });
    expect([code, out]).toEqual([0, ""]);
    expect(bare(err)).toContain("Authentication failed. Your API key may be invalid or expired.");
  });

  test("dies by the signal, with last words when it has some, and can be deaf", async () => {
    const place = new Place();
    expect((await place.chat("!!fail oom!!")).killed).toBe("SIGKILL");
    const dying = await place.chat("!!last-words bye!! !!say x!! !!fail hang!!", [], {
      killAt: "x",
      signal: "SIGTERM",
    });
    expect([dying.code, dying.out]).toEqual([143, "x\nbye"]);
    expect(
      (await place.chat("!!deaf!! !!stdout here!! !!fail hang!!", [], { killAt: "here", signal: "SIGTERM" })).err,
    ).toContain("SIGTERM is ignored");
  });

  test.each([
    ["2.27.0", ["--agent-engine=v2"], 0],
    ["2.27.1", ["--agent-engine=v2"], 4],
    ["2.29.0", ["--classic"], 0],
    ["2.29.0", ["--v3"], 4],
  ])("an unknown agent on %s with %j: %i", async (version, args, wanted) => {
    const { code, out } = await on(version).chat("!!system!!", ["--agent", "nobody", "--wrap=never", ...args]);
    expect(code).toBe(wanted);
    if (wanted === 0) expect(out).toContain("agent: kiro_default");
  });
});

describe.concurrent("5: sessions", () => {
  const engines = [["--classic"], ["--v2"], ["--v3"]];

  test.each(engines)("%s goes on with the newest of the directory, and only there", async (engine) => {
    const place = on("2.29.0");
    await place.chat("my dog is Rex", [engine]);
    expect((await place.chat("!!recall!!", [engine])).out).toContain("Nothing yet.");
    expect((await place.chat("!!recall!!", [engine, "--resume", "--wrap=never"])).out).not.toContain("Rex");
    const other = mkdtempSync(join(root, "cwd-"));
    await place.chat("my cat is Tom", [engine], { cwd: other });
    expect((await place.chat("!!recall!!", [engine, "-r", "--wrap=never"], { cwd: other })).out).toContain("Tom");
  });

  test("two homes with one path are two memories, one database is one", async () => {
    const [one, two] = [on("2.5.0"), on("2.5.0")];
    await one.chat("secret of one");
    expect((await two.chat("!!recall!!", ["-r"], { cwd: one.cwd })).out).not.toContain("secret");
    const shared = { env: { ...KEY, XDG_DATA_HOME: join(one.home, ".local/share") }, cwd: one.cwd };
    expect((await two.chat("!!recall!!", ["-r"], shared)).out).toContain("secret of one");
  });

  test("V1's rows", async () => {
    const place = on("2.5.0");
    await place.chat("hello");
    using db = place.database();
    const row = db.prepare("SELECT * FROM conversations_v2").get();
    expect(row).toMatchObject({ key: place.cwd });
    expect(String(row?.["value"])).toContain('"prompt":"hello');
    expect(Number(row?.["updated_at"])).toBeGreaterThan(1e12);
  });

  test("the older table holds one conversation a directory", async () => {
    const place = on("2.5.0", { legacyTable: true });
    await place.chat("hello old");
    using db = place.database();
    expect(db.prepare("SELECT key FROM conversations").all()).toEqual([{ key: place.cwd }]);
    expect((await place.chat("!!recall!!", ["-r"])).out).toContain("hello old");
  });

  test("whoever ends last wins", async () => {
    const place = on("2.5.0");
    await place.chat("first");
    const slow = place.chat("slow !!shell touch begun; until [ -e go ]; do sleep 0.02; done!!", ["-r", "-a"]);
    await vi.waitFor(() => expect(readdirSync(place.cwd)).toContain("begun"), { timeout: 15_000 });
    await place.chat("quick", ["-r"]);
    place.write(join(place.cwd, "go"), "");
    await slow;
    const { out } = await place.chat("!!recall!!", ["-r"]);
    expect(out).toContain("slow");
    expect(out).not.toContain("quick");
  });

  test.each([
    ["2.29.0", "--v2", true],
    ["2.29.0", "--v3", true],
    ["2.20.0", "--agent-engine=v2", false],
  ])("%s %s resumes a known id from anywhere: %s", async (version, engine, resumes) => {
    const place = on(version);
    const { id } = await place.stream("remember me", [engine]);
    const again = await place.stream("!!recall!!", [engine, "--resume-id", id], { cwd: root });
    expect(again.code).toBe(0);
    expect(again.id === id).toBe(resumes);
    expect(again.said.includes("remember me")).toBe(resumes);
  });

  test.each([
    ["2.29.0", "--v2", 1],
    ["2.29.0", "--v3", 0],
    ["2.29.0", "--classic", 0],
    ["2.20.0", "--agent-engine=v2", 0],
  ])("an unknown id on %s %s ends with %i", async (version, engine, wanted) => {
    const id = "00000000-0000-0000-0000-000000000000";
    const place = on(version);
    const run =
      engine === "--classic"
        ? place.chat("hi", [engine, "--resume-id", id])
        : place.stream("hi", [engine, "--resume-id", id]);
    const { code, out } = await run;
    expect(code).toBe(wanted);
    expect(out.includes("runError")).toBe(wanted === 1);
  });

  test("a turn killed in the middle leaves the jsonl ahead, which 2.14 does not survive", async () => {
    const place = on("2.29.0");
    const { id } = await place.stream("one");
    await place.chat("two !!stdout here!! !!fail hang!!", ["--resume-id", id], { killAt: "here" });
    const folder = join(place.home, ".kiro/sessions/cli");
    expect(readdirSync(folder).sort()).toEqual(["history", "json", "jsonl", "lock"].map((end) => `${id}.${end}`));
    const again = await place.stream("three", ["--resume-id", id]);
    expect(again.code).toBe(1);
    expect(String(again.last?.data["message"])).toContain("Agent connection closed unexpectedly");
    place.simulate({ version: "2.29.0", bugs: { "killed-turn-unresumable": false } });
    expect((await place.stream("!!recall!!", ["--resume-id", id])).said).toBe("one");
  });

  test("an error of the service does not spoil the session", async () => {
    const place = on("2.29.0");
    const { id } = await place.stream("one");
    await place.stream("two !!fail rate-limit!!", ["--resume-id", id]);
    expect((await place.stream("!!recall!!", ["--resume-id", id])).said).toBe("one");
  });

  test("2.7.0 stores nothing; KIRO_HOME moves V2's sessions", async () => {
    const forgetful = on("2.7.0");
    await forgetful.chat("hello");
    expect((await forgetful.chat("!!recall!!", ["-r"])).out).toContain("Nothing yet.");
    const moved = join(root, "moved");
    await new Place().chat("hi", [], { env: { ...KEY, KIRO_HOME: moved } });
    expect(existsSync(join(moved, "sessions", "cli"))).toBe(true);
  });

  test("lists on stderr, as JSON on stdout, and deletes", async () => {
    const place = on("2.29.0");
    expect((await place.kiro(["chat", "-l"])).err).toBe("No saved chat sessions\n");
    const { id } = await place.stream("a title");
    const { out, err } = await place.kiro(["chat", "-l"]);
    expect([out, err]).toEqual(["", expect.stringMatching(`Chat SessionId: ${id}\n.*a title.* 2 msgs`)]);
    const listed: unknown = JSON.parse((await place.kiro(["chat", "-l", "-f", "json"])).out);
    expect(listed).toMatchObject([{ cwd: place.cwd, sessions: [{ sessionId: id, source: "v2", title: "a title" }] }]);
    expect((await place.kiro(["chat", "--delete-session", id])).code).toBe(0);
    expect((await place.kiro(["chat", "--delete-session", id])).code).toBe(1);
    expect((await place.chat("hi", ["-r"])).err).toContain("No saved sessions found for this directory.");
  });
});

describe.concurrent("7: what a host writes", () => {
  const mine = {
    name: "mine",
    prompt: "Be kind.",
    tools: ["@echo"],
    mcpServers: { echo: { ...echo, env: { WHO: "${GROUP}" } } },
  };
  const call = String.raw`!!tool echo echo {"text":"a & \"b\""}!!`;

  test("starts the agent's MCP servers and calls them, escaped prompts too", async () => {
    const place = new Place().agent("any", mine);
    const env = { ...KEY, GROUP: "g1" };
    const { said, err } = await place.stream(
      `<m>${call.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}</m>`,
      ["--agent", "mine", "-a"],
      {
        env,
      },
    );
    expect(err).toBe("");
    expect(said).toBe('Done: echo: g1 {"text":"a & \\"b\\""}');
    const v1 = await on("2.5.0").agent("any", mine).chat(call, ["--agent", "mine", "-a", "--wrap=never"]);
    expect(bare(v1.out)).toContain("Running tool echo with the param (from mcp server: echo)\n ⋮  {\n");
  });

  test.each([
    [{}, [], false],
    [{ allowedTools: ["@echo"] }, [], true],
    [{ allowedTools: ["@echo/e*"] }, [], true],
    [{ allowedTools: ["*"] }, [], false],
    [{}, ["--trust-tools=@echo/echo"], true],
    [{}, ["--trust-tools="], false],
  ])("%j with %j lets the tool run: %s", async (config, args, runs) => {
    const place = new Place().agent("mine", { ...mine, ...config });
    const { err, code } = await place.chat(call, ["--agent", "mine", ...args]);
    expect([code, err.includes("[denied] tool permission approval")]).toEqual([0, !runs]);
    expect(err).toContain(`[tool] status: ${runs ? "Completed" : "Failed"}`);
  });

  test("`tools` left out is none since 2.14", async () => {
    const { tools: _, ...without } = mine;
    expect((await on("2.29.0").agent("mine", without).chat(call, ["--agent=mine", "-a"])).out).toContain("no tool");
    expect((await on("2.10.0").agent("mine", without).chat(call, ["--agent=mine", "-a"])).out).toContain("Done");
  });

  test.each([
    ["an unknown key", { ...mine, tokens: 1 }],
    ["a server without command", { ...mine, mcpServers: { bad: { args: [] } } }],
  ])("%s loses the whole file", async (_, config) => {
    const old = on("2.10.0").agent("mine", config);
    const { out, code, err } = await old.chat("!!system!!", ["--agent=mine", "--wrap=never"]);
    expect([code, err.includes("malformed")]).toEqual([0, true]);
    expect(out).toContain("agent: kiro_default");
    expect((await new Place().agent("mine", config).chat("hi", ["--agent", "mine"])).code).toBe(1);
    expect((await old.kiro(["agent", "validate", "--path", join(old.home, ".kiro/agents/mine.json")])).code).toBe(1);
  });

  test("the workspace's file wins, and says so", async () => {
    const place = new Place().agent("mine", mine);
    place.write(join(place.cwd, ".kiro/agents/x.json"), { ...mine, prompt: "file://./p.md" });
    place.write(join(place.cwd, ".kiro/agents/p.md"), "From the workspace.");
    const { out, err } = await place.chat("!!system!!", ["--agent", "mine"]);
    expect(err).toContain("Agent conflict for mine. Using workspace version.");
    expect(out).toContain("prompt: From the workspace.");
  });

  test("steering and skills are read, since 2.7.0 by custom agents too", async () => {
    const fill = (place: Place) =>
      place
        .agent("mine", { ...mine, resources: ["file://notes/*.md"] })
        .write(join(place.home, ".kiro/steering/always.md"), "text")
        .write(join(place.home, ".kiro/steering/manual.md"), "---\ninclusion: manual\n---\ntext")
        .write(join(place.home, ".kiro/skills/cook/SKILL.md"), "text")
        .write(join(place.cwd, "notes/one.md"), "text");
    const { out } = await fill(on("2.29.0")).chat("!!system!!", ["--agent", "mine"]);
    expect(out).toMatch(/steering: \S*always\.md\nskills: cook\nresources: \S*notes\/one\.md\n/);
    expect((await fill(on("2.5.0")).chat("!!system!!", ["--agent=mine", "--wrap=never"])).out).toContain(
      "steering: \n",
    );
  });

  test("a server that fails is named, and costs the run only with --require-mcp-startup", async () => {
    const broken = { ...mine, mcpServers: { echo: { ...echo, args: [...echo.args, "--broken"] } } };
    const place = new Place().agent("mine", broken);
    const { code, err } = await place.chat("hi", ["--agent", "mine"]);
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/✗ echo has failed to load after \d+\.\d\d s\n - Mcp error/),
    ]);
    expect((await place.chat("hi", ["--agent", "mine", "--require-mcp-startup"])).code).toBe(3);
  });

  test("hooks run", async () => {
    const hooks = {
      agentSpawn: [{ command: "echo spawned" }],
      userPromptSubmit: [{ command: "cat > prompt.json" }],
      preToolUse: [{ matcher: "shell", command: "exit 2" }],
      stop: [{ command: "touch stopped" }],
    };
    const place = new Place().agent("mine", { ...mine, tools: ["*"], hooks });
    const { out, err } = await place.chat("!!shell touch never!! !!system!!", ["--agent", "mine", "-a"]);
    expect(out).toContain("context: spawned");
    expect(err).toContain("[denied]");
    expect(JSON.parse(readFileSync(join(place.cwd, "prompt.json"), "utf8"))).toMatchObject({
      hook_event_name: "userPromptSubmit",
    });
    expect(readdirSync(place.cwd).sort()).toEqual(["prompt.json", "stopped"]);
  });
});

describe.concurrent("8: authentication", () => {
  const none = { env: {} };
  const whoami = (place: Place, ...args: string[]) => place.kiro(["whoami", ...args], none);

  test("logs in and out; a registration alone is no login", async () => {
    const place = new Place();
    expect([(await whoami(place)).code, (await whoami(place, "--format", "json")).out]).toEqual([
      1,
      '{"account":null}\n',
    ]);
    await place.kiro(["login", "--use-device-flow"], none);
    expect(await whoami(place)).toMatchObject({ code: 0, out: "Logged in with Builder ID\n" });
    await place.kiro(["logout"], none);
    expect(await whoami(place)).toMatchObject({ code: 1, out: "Not logged in\n" });
    expect((await place.kiro(["whoami"])).out).toBe("Authenticated with API key\n");
  });

  test.each(["kirocli:social:token", "kirocli:odic:token", "kirocli:external-idp:token", "codewhisperer:odic:token"])(
    "%s is a login, on a Mac's path too",
    async (key) => {
      const place = on("2.29.0", { platform: "darwin" });
      const folder = join(place.home, "Library/Application Support/kiro-cli");
      place.token(key, { ...stamp, expires_at: inAnHour() }, folder);
      expect((await whoami(place)).code).toBe(0);
    },
  );

  test("a token past its time is renewed and written; its refresh token is good once", async () => {
    const service = join(root, "service");
    const [one, two] = [on("2.29.0", { service }), on("2.29.0", { service })];
    const old = { ...stamp, refresh_token: "rt_first", expires_at: "2020-01-01T00:00:00Z" };
    for (const place of [one, two]) place.token("kirocli:social:token", old);
    expect((await whoami(one)).code).toBe(0);
    using db = one.database();
    expect(String(db.prepare("SELECT value FROM auth_kv").get()?.["value"])).toMatch(
      /"refresh_token":"rt_[\da-f-]{36}"/,
    );
    expect((await whoami(two)).code).toBe(1);
    expect((await two.chat("hi", [], none)).code).toBe(1);
  });

  test("a run renews when told", async () => {
    const place = on("2.29.0", { refresh: true });
    place.token("kirocli:odic:token", { ...stamp, expires_at: inAnHour() });
    await place.chat("hi", [], none);
    using db = place.database();
    expect(String(db.prepare("SELECT value FROM auth_kv").get()?.["value"])).not.toContain('"rt"');
  });

  test("the three ways of being logged out: a browser first, then the device flow for ever; V3 says it plainly", async () => {
    const place = on("2.29.0");
    const first = await place.chat("hi", [], none);
    expect([first.code, first.out]).toEqual([
      1,
      expect.stringContaining("Opening browser... | Press (^) + C to cancel"),
    ]);
    expect(first.err).toMatch(/^Failed to open browser for authentication\.\n[\s\S]*error: No such file or directory/);
    const second = await place.stream("hi", [], { ...none, killAt: "Open this URL" });
    expect(second.killed).toBe("SIGKILL");
    expect(second.out).toContain("Confirm the following code in the browser\nCode: ");
    const third = await place.chat("hi", ["--v3"], none);
    expect([third.code, third.out, third.err]).toEqual([
      ...[1, "", "error: You are not logged in, please log in with kiro-cli login\n"],
    ]);
  });

  test("with an API key MCP may be off", async () => {
    const mine = { name: "mine", tools: ["*"], mcpServers: { echo } };
    const place = on("2.29.0", { bugs: { "mcp-off-with-key": true } }).agent("mine", mine);
    const { out, err } = await place.chat("!!tool echo echo {}!!", ["--agent", "mine", "-a"]);
    expect([out, err]).toEqual([
      "I have no tool @echo/echo.\n",
      "WARNING: Failed to retrieve MCP settings; MCP functionality disabled\n",
    ]);
  });
});

describe.concurrent("the script words", () => {
  test.each([
    ["!!say one\\ntwo!! !!say three!!", "one\ntwo\nthree\n"],
    ["!!say &lt;b&gt; &#x27;!!", "<b> '\n"],
    ["!!say old!!\n!!anew!!\n!!say new!!", "new\n"],
    ["!!bytes 20!!", "0123456789abcde\n0123\n"],
    ["!!env WHO!! !!env NONE!!", "WHO=me\nNONE is not set\n"],
    ["<m>Hello</m>\n<m>What&apos;s up!! ok</m>\n", "I read: What's up!! ok (0 earlier turns)\n"],
    ["!!remember X!!", "I will remember: X\n"],
  ])("%j", async (prompt, said) => {
    expect((await new Place().chat(prompt, [], { env: { ...KEY, WHO: "me" } })).out).toBe(said);
  });

  test("a misspelt setting is not passed over", async () => {
    expect((await on("2.29.0", { bugs: { "no-such-bug": true } }).chat("hi")).err).toContain(
      "no setting named no-such-bug",
    );
    expect((await on("2.29.0", { fails: "trouble" }).chat("hi")).code).toBe(1);
  });

  test("settings can make every turn fail, and a stop reason is given", async () => {
    expect((await on("2.29.0", { fail: "trouble" }).chat("hi")).err).toContain("having trouble responding right now");
    expect((await new Place().stream("!!say no!! !!stop refusal!!")).last?.data["stopReason"]).toBe("refusal");
  });
});
