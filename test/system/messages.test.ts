import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { homePaths } from "../../src/home.ts";
import { MESSAGE_MAX_BYTES } from "../../src/domain/message.ts";
import { nanoclaw, run } from "./command.ts";
import { openSite, type Site } from "./site.ts";

/** A request whose body leaves in the given pieces. */
function post(site: Site, path: string, pieces: Buffer[]): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { socket } = homePaths(site.home);
    const headers = { "content-type": "application/json" };
    const posting = request({ socketPath: socket, method: "POST", path, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    posting.once("error", reject);
    const next = () => {
      const piece = pieces.shift();
      if (piece) posting.write(piece, () => setTimeout(next, 20));
      else posting.end();
    };
    next();
  });
}

const stored = (site: Site, seq: number) =>
  site.ledger("SELECT content FROM messages WHERE seq = ?", seq)[0]?.["content"];
const counted = (site: Site) => site.ledger("SELECT count(*) AS n FROM messages WHERE from_assistant = 0")[0]?.["n"];

describe.concurrent("a message that is hard to carry", { timeout: 60_000 }, () => {
  it("is refused with its size when it has 10 MB, and stores nothing", async () => {
    await using site = await openSite({ scripted: true });
    const { exit, stderr, stdout } = await run(site.home, ["chat"], { input: "x".repeat(10_000_000) });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toMatch(/^The message has 10000000 bytes; the limit is 1048576 \(1 MiB\)\. Nothing was stored\./);
    expect(counted(site)).toBe(0);
    expect(await site.answered(await site.say("still there?"))).toEqual(["you said still there?"]);
  });

  it("is refused as too long when it comes in pieces without a length", async () => {
    await using site = await openSite({ scripted: true });
    const piece = Buffer.alloc(1_000_000, "x");
    const pieces = [Buffer.from('{"id":"a","text":"'), ...Array.from({ length: 7 }, () => piece)];
    const { status, body } = await post(site, "/chat/main/messages", pieces);
    expect(status).toBe(413);
    expect(body).toContain("Nothing was stored");
    expect(counted(site)).toBe(0);
  });

  it.each([
    ["letters", "x".repeat(MESSAGE_MAX_BYTES)],
    ["letters that JSON writes longer", '"\n\\\u0001'.repeat(MESSAGE_MAX_BYTES / 4)],
    ["letters of four bytes", "🦭".repeat(MESSAGE_MAX_BYTES / 4)],
  ])("is taken whole when it has exactly the limit: %s", async (_, text) => {
    await using site = await openSite({ scripted: true });
    const seq = await site.say(text);
    expect(stored(site, seq) === text).toBe(true);
    expect((await site.answered(seq)).join("")).toContain("you said");
    await expect(site.say(`${text}!`)).rejects.toThrow(/The message has 1048577 bytes; the limit is 1048576/);
    expect(counted(site)).toBe(1);
  });

  it("keeps its words around NUL bytes and halves of characters", async () => {
    await using site = await openSite({ scripted: true });
    const seq = await site.say("one\0two \ud83d three \udc4b four 👋");
    expect(stored(site, seq)).toBe("one\ufffdtwo \ufffd three \ufffd four 👋");
    expect(await site.answered(seq)).toEqual(["you said one\ufffdtwo \ufffd three \ufffd four 👋"]);
  });

  it("keeps an emoji whose bytes come in two chunks", async () => {
    await using site = await openSite({ scripted: true });
    const body = Buffer.from(JSON.stringify({ id: "split", text: "a 👋 b" }));
    const half = body.indexOf(Buffer.from("👋")) + 2;
    const answer = await post(site, "/chat/main/messages", [body.subarray(0, half), body.subarray(half)]);
    expect(answer.status).toBe(200);
    const { seq } = JSON.parse(answer.body) as { seq: number };
    expect(stored(site, seq)).toBe("a 👋 b");
    expect(await site.answered(seq)).toEqual(["you said a 👋 b"]);
  });

  it("is refused with what is wrong when it is no message", async () => {
    await using site = await openSite({ scripted: true });
    const bodies = ["", "{", '"text"', '{"id":"","text":"x"}', '{"id":"x","text":7}', '{"id":"x","text":"x","more":1}'];
    for (const body of bodies) {
      const { status, body: said } = await post(site, "/chat/main/messages", [Buffer.from(body)]);
      expect({ body, status }).toEqual({ body, status: 400 });
      expect(JSON.parse(said)).toHaveProperty("error");
    }
    expect((await post(site, "/chat/..%2Fx/messages", [Buffer.from('{"id":"x","text":"x"}')])).status).toBe(404);
    expect(counted(site)).toBe(0);
  });
});

describe("an answer that is hard to show", { timeout: 60_000 }, () => {
  it("comes out as it is when it quotes our frames and our XML, without its escape sequences", async () => {
    await using site = await openSite({ scripted: true });
    const frame = '{"token":"0123456789abcdef0123456789abcdef","n":2,"body":{"type":"answer"}}';
    const harmless = `a frame:\n${frame}\n{"type":"ready","protocol":1}\n</message><messages> & "quotes" 👋`;
    const escapes = ["\u001b[2J\u001b[1;1H", "\u001b]0;title\u0007", "\u009b31m", "\r", "\u0008", "\u001bc", "\u007f"];
    writeFileSync(site.path("groups", "main", "answer"), `${harmless}\n${escapes.join("x")}end`);
    site.behave("quotes");
    const { exit, stdout } = await run(site.home, ["chat", "quote"]);
    expect(exit).toBe(0);
    expect(stdout.startsWith(`${harmless}\n`)).toBe(true);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout.endsWith("end\n")).toBe(true);
    const asJson = nanoclaw(site.home, ["chat", "--json", "quote"]);
    await asJson.ended;
    const [reply, done] = asJson
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(reply).toMatchObject({ type: "reply", text: `${harmless}\n${escapes.join("x")}end` });
    expect(done).toEqual({ type: "done", state: "answered" });
  });
});
