import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createExchange, okay, refuse, type Exchange } from "../../test/exchange.ts";
import { connectTools } from "./tool-client.ts";

let top: string;
let exchange: Exchange;
const at = (...parts: string[]) => join(top, ...parts);

beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-files-")));
  for (const folder of ["group/sub", "global", "extra", "secret"]) mkdirSync(at(folder), { recursive: true });
  exchange = createExchange();
  mkdirSync(join(exchange.dir, "outgoing"));
});
afterEach(() => {
  exchange[Symbol.dispose]();
  rmSync(top, { recursive: true });
});

const outgoing = () => readdirSync(join(exchange.dir, "outgoing"));
const send = async (args: Record<string, unknown>, ipcDir = exchange.dir) => {
  const requester = { ipcDir, turn: "abcdefghijkl", attempt: 1, chat: "local:main" };
  const tools = await connectTools(
    requester,
    ["group", "global", "extra"].map((name) => at(name)),
    new AbortController().signal,
  );
  return tools.call("send_file", args);
};
/** The host's answer, and the copy as the host found it. */
const host = (answer = okay({ message_id: "M1" })) => {
  const copies: string[] = [];
  exchange.answerWith(() => {
    for (const name of outgoing()) copies.push(readFileSync(join(exchange.dir, "outgoing", name), "utf8"));
    return answer;
  });
  return copies;
};

test.each<[string, (path: string) => string]>([
  ["relative to the working folder", () => "sub/plan.txt"],
  ["absolute below it", () => at("group/sub/plan.txt")],
  ["in the global folder", () => at("global/plan.txt")],
  ["in the extra folder", () => at("extra/plan.txt")],
])("a file %s is copied before the host is asked", async (_name, path) => {
  for (const folder of ["group/sub", "global", "extra"]) writeFileSync(at(folder, "plan.txt"), "the plan");
  const copies = host();
  expect(await send({ path: path(""), caption: "look" })).toEqual({ ok: true, result: { message_id: "M1" } });
  expect(copies).toEqual(["the plan"]);
  expect(exchange.requests).toMatchObject([{ tool: "send_file", args: { path: path(""), caption: "look" } }]);
  expect(outgoing()).toEqual([expect.stringMatching(/^[a-z0-9]{16}$/)]);
});

test("a large file arrives whole", async () => {
  const large = "0123456789abcdef".repeat(200_000);
  writeFileSync(at("group/large"), large);
  const copies = host();
  await send({ path: "large" });
  expect(copies[0] === large).toBe(true);
});

test("a link inside is followed, one that leads outside is not", async () => {
  writeFileSync(at("group/a.txt"), "a");
  writeFileSync(at("secret/b.txt"), "b");
  symlinkSync(at("group/a.txt"), at("group/link-a"));
  symlinkSync(at("secret/b.txt"), at("group/link-b"));
  const copies = host();
  expect((await send({ path: "link-a" })).ok).toBe(true);
  expect(copies).toEqual(["a"]);
  expect(await send({ path: "link-b" })).toMatchObject({ ok: false, error: expect.stringContaining("lies outside") });
});

test.each<[string, string, RegExp]>([
  ["nothing", "none.txt", /"none.txt" is not there\. Nothing was done/],
  ["a way through a file", "a.txt/b", /is not there/],
  ["a folder", "sub", /is a folder; pack it/],
  ["the working folder itself", ".", /lies outside/],
  ["an empty file", "empty", /is empty/],
  ["a FIFO", "fifo", /is no regular file/],
  ["a file too large", "huge", /larger than the 67108864 bytes/],
  ["a way out", "../secret/b.txt", /lies outside/],
  ["another absolute path", "/etc/hostname", /lies outside/],
])("%s is refused with the reason, and the host is not asked", async (_name, path, reason) => {
  writeFileSync(at("group/a.txt"), "a");
  writeFileSync(at("secret/b.txt"), "b");
  writeFileSync(at("group/empty"), "");
  writeFileSync(at("group/huge"), "");
  truncateSync(at("group/huge"), 64 * 1024 * 1024 + 1);
  execFileSync("mkfifo", [at("group/fifo")]);
  host();
  expect(await send({ path })).toMatchObject({ ok: false, error: expect.stringMatching(reason) });
  expect(exchange.requests).toEqual([]);
  expect(outgoing()).toEqual([]);
});

test("a refusal of the host is passed on", async () => {
  writeFileSync(at("group/a.txt"), "a");
  host(refuse("only the main group may act on another chat"));
  expect(await send({ path: "a.txt", chat: "1@g.us" })).toMatchObject({
    ok: false,
    error: expect.stringContaining("only the main group"),
  });
});

test("a request that cannot be asked leaves no copy", async () => {
  writeFileSync(at("group/a.txt"), "a");
  mkdirSync(at("ipc/outgoing"), { recursive: true }); // and no folder for requests
  const failed = await send({ path: "a.txt" }, at("ipc")).catch((error: unknown) => error);
  expect(failed).not.toMatchObject({ ok: true });
  expect(readdirSync(at("ipc/outgoing"))).toEqual([]);
});
