import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROTOCOL_VERSION, type Response } from "@nanoclaw/agent-runner/protocol";
import { onLinux } from "./processes.ts";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

interface Exchange {
  /** Puts a file there as a runner does. */
  put(name: string, content: string): void;
  path(name: string): string;
  response(id: string): Promise<Response>;
  /** A request of the turn that runs. */
  request(tool: string, args: unknown, changes?: object): string;
  notes(): string[];
}

const idOf = (text: string): string => text.padEnd(16, "0").slice(0, 16);

/** A site with a turn that runs until the file `go` is there. */
async function withTurn(): Promise<{ site: Site; exchange: Exchange; seq: number; go(): void }> {
  const site = await openSite({ scripted: true });
  site.behave("answers-late");
  const seq = await site.say("wait");
  await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
  const turn = site.ledger("SELECT id FROM turns")[0]?.["id"];
  const at = (...parts: string[]) => site.path("ipc", "main", ...parts);
  const exchange: Exchange = {
    path: (name) => at("requests", name),
    put: (name, content) => {
      writeFileSync(at("outgoing", name), content);
      renameSync(at("outgoing", name), at("requests", name));
    },
    response: async (id) => {
      await until(() => existsSync(at("responses", `${id}.json`)));
      return JSON.parse(readFileSync(at("responses", `${id}.json`), "utf8")) as Response;
    },
    request: (tool, args, changes = {}) =>
      JSON.stringify({ protocol: PROTOCOL_VERSION, turn, attempt: 1, chat: "local:main", tool, args, ...changes }),
    notes: () => {
      const folder = site.path("data", "ipc-errors");
      const names = readdirSync(folder).filter((name) => name.endsWith(".note"));
      return names.map((name) => readFileSync(join(folder, name), "utf8").trim());
    },
  };
  return { site, exchange, seq, go: () => writeFileSync(site.path("groups", "main", "go"), "") };
}

/** A request after all that is still served, and the turn ends as if nothing had been. */
async function expectServed({ site, exchange, seq, go }: Awaited<ReturnType<typeof withTurn>>): Promise<void> {
  const id = idOf("valid");
  exchange.put(`${id}.json`, exchange.request("send_message", { text: "still here" }));
  expect(await exchange.response(id)).toMatchObject({ ok: true });
  go();
  expect(await site.answered(seq)).toEqual(["still here", "you said wait"]);
  await until(() => readdirSync(site.path("ipc", "main", "requests")).length === 0);
}

describe.runIf(onLinux).concurrent("request files", { timeout: 60_000 }, () => {
  it("that are malformed are answered, put aside with a note, and nothing else", async () => {
    const at = await withTurn();
    await using _ = at.site;
    const { put, request, response, notes } = at.exchange;
    put(`${idOf("nojson")}.json`, '{"tool":');
    put(`${idOf("binary")}.json`, "\0\ud83d\u001b[31m");
    put(`${idOf("notool")}.json`, request("launch_rockets", {}));
    put(`${idOf("noargs")}.json`, request("send_message", { text: 7 }));
    put(`${idOf("other")}.json`, request("send_message", { text: "no" }, { chat: "local:other" }));
    put(`${idOf("oldturn")}.json`, request("send_message", { text: "no" }, { turn: "abcdefghijkl" }));
    put("not an id.json", request("send_message", { text: "no" }));
    for (const [id, error] of Object.entries({
      nojson: /it is no JSON/,
      binary: /it is no JSON/,
      notool: /there is no tool "launch_rockets"/,
      noargs: /send_message: .*text/s,
      other: /another chat/,
      oldturn: /that turn is not this group's/,
    })) {
      expect(await response(idOf(id))).toEqual({ ok: false, error: expect.stringMatching(error) });
    }
    await until(() => notes().includes("its name is no request id"));
    await expectServed(at);
    expect(notes().sort()).toEqual(["it is no JSON", "it is no JSON", "its name is no request id"]);
  });

  it("that are no plain files are taken away unread, and what they point at stays", async () => {
    const at = await withTurn();
    await using _ = at.site;
    const { path, request, response } = at.exchange;
    const secret = at.site.path("groups", "main", "secret.json");
    writeFileSync(secret, request("send_message", { text: "the secret" }));
    symlinkSync(secret, path(`${idOf("link")}.json`));
    symlinkSync(path(`${idOf("loop")}.json`), path(`${idOf("loop")}.json`));
    linkSync(secret, path(`${idOf("hardlink")}.json`));
    execFileSync("mkfifo", [path(`${idOf("fifo")}.json`)]);
    writeFileSync(path(`${idOf("giant")}.json`), "");
    truncateSync(path(`${idOf("giant")}.json`), 2 ** 36);
    mkdirSync(path(`${idOf("folder")}.json/inner`), { recursive: true });
    for (const [id, error] of Object.entries({
      link: /it is a link/,
      loop: /it is a link/,
      hardlink: /second name/,
      fifo: /no regular file/,
      giant: /68719476736 bytes; the limit is 262144/,
      folder: /no regular file/,
    })) {
      expect(await response(idOf(id))).toEqual({ ok: false, error: expect.stringMatching(error) });
    }
    expect(readFileSync(secret, "utf8")).toContain("the secret");
    await expectServed(at);
    expect(at.site.ledger("SELECT 1 FROM outbox WHERE content = 'the secret'")).toEqual([]);
  });

  it("that come twice have their effect once", async () => {
    const at = await withTurn();
    await using _ = at.site;
    const { put, path, request, response } = at.exchange;
    const id = idOf("twice");
    const answers: Response[] = [];
    for (let time = 0; time < 2; time += 1) {
      put(`${id}.json`, request("send_message", { text: "once only" }));
      await until(() => !existsSync(path(`${id}.json`)));
      answers.push(await response(id));
    }
    expect(answers[0]).toMatchObject({ ok: true });
    expect(answers[1]).toEqual(answers[0]);
    at.go();
    expect(await at.site.answered(at.seq)).toEqual(["once only", "you said wait"]);
  });

  it("that come as a flood do not keep another group waiting, nor fill the disk", async () => {
    const at = await withTurn();
    await using _ = at.site;
    await at.site.ask("POST", "/control/groups", { name: "Calm", folder: "calm" });
    for (let count = 0; count < 1_500; count += 1) writeFileSync(at.exchange.path(`flood ${count}`), "x");
    expect(await at.site.answered(await at.site.say("hello", "calm"))).toEqual(["you said hello"]);
    await expectServed(at);
    // A file and its note each; some may be put down while others are cleared away.
    expect(readdirSync(at.site.path("data", "ipc-errors")).length).toBeLessThanOrEqual(210);
  });
});

describe.runIf(onLinux)("a reminder that a slow agent asks for", { timeout: 60_000 }, () => {
  it("fires at once when its time passed after the person had asked, and is refused when it was past before", async () => {
    const at = await withTurn();
    await using _ = at.site;
    const { put, request, response } = at.exchange;
    const inputAt = Number(at.site.ledger("SELECT input_at FROM attempts")[0]?.["input_at"]);
    const once = (time: number, prompt: string) =>
      request("schedule_task", { prompt, schedule_type: "once", schedule_value: new Date(time).toISOString() });
    await until(() => Date.now() > inputAt + 5);
    put(`${idOf("late")}.json`, once(inputAt + 1, "late"));
    expect(await response(idOf("late"))).toMatchObject({ ok: true });
    put(`${idOf("past")}.json`, once(inputAt - 1_000, "past"));
    expect(await response(idOf("past"))).toEqual({ ok: false, error: expect.stringContaining("in the past") });
    at.go();
    await until(() => at.site.ledger("SELECT 1 FROM task_run_logs WHERE status = 'success'").length === 1);
    expect(at.site.ledger("SELECT prompt, status FROM scheduled_tasks")).toEqual([
      { prompt: "late", status: "completed" },
    ]);
  });
});
