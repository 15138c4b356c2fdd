import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../system/until.ts";
import { describeContainers } from "../engine.ts";
import { CANARY, newRequestId, openEscapeSite, type Agent, type EscapeSite } from "./site.ts";
import { snapshot } from "./snapshot.ts";

await describeContainers("requests that an agent forges", (engine) => {
  let at: EscapeSite;
  let eve: Agent;
  let bob: Agent;
  let main: Agent;
  beforeAll(async () => {
    at = await openEscapeSite(engine);
    for (const folder of ["eve", "bob"]) await at.group(folder);
    [eve, bob, main] = await Promise.all([at.takeOver("eve"), at.takeOver("bob"), at.takeOver("main")]);
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  const outbox = (chat: string) => at.site.ledger("SELECT content FROM outbox WHERE chat_jid = ?", chat);
  const notes = () => readdirSync(at.site.path("data/ipc-errors")).filter((name) => name.startsWith("eve-"));

  test("E10 with another group's turn, chat or attempt are refused, and nothing of them is done", async () => {
    const text = { text: "forged" };
    const forged: [tool: string, args: object, changes: object][] = [
      ["send_message", text, { turn: bob.turn }],
      ["send_message", text, { turn: bob.turn, chat: "local:bob" }],
      ["send_message", text, { turn: main.turn, chat: "local:main" }],
      ["send_message", text, { chat: "local:bob" }],
      ["send_message", text, { chat: "local:main" }],
      ["send_message", text, { attempt: 2 }],
      ["send_message", text, { turn: "../../bob/x" }],
      ["send_message", text, { folder: "main" }],
      ["send_message", text, { caller: "main", main: true }],
      ["send_message", { ...text, chat: "local:bob" }, {}],
      ["send_message", { ...text, chat: "local:main" }, {}],
      ["send_message", { ...text, chat: "local:nobody" }, {}],
      ["schedule_task", { prompt: "x", schedule_type: "interval", schedule_value: "60000", chat: "local:bob" }, {}],
      ["register_group", { folder: "evil" }, {}],
      ["__proto__", {}, {}],
      ["constructor", {}, {}],
    ];
    for (const [tool, args, changes] of forged) {
      const response = await eve.request(tool, args, changes);
      expect(response, JSON.stringify([tool, args, changes])).toMatchObject({ ok: false, error: expect.any(String) });
    }
    for (const chat of ["local:bob", "local:main", "local:eve"]) expect(outbox(chat)).toEqual([]);
    expect(at.site.ledger("SELECT 1 FROM scheduled_tasks")).toEqual([]);
  });

  test("E11 neither show nor touch another group's tasks and history", async () => {
    const schedule = { schedule_type: "interval", schedule_value: "3600000" };
    const made = await bob.request("schedule_task", { prompt: `${CANARY} of bob`, ...schedule });
    const task = made.ok ? (made.result as { task_id: string }).task_id : "";
    expect(task).toMatch(/^task-/);
    await at.site.say(`${CANARY} said to bob`, "bob");
    const seen = [
      await eve.request("list_tasks", {}),
      await eve.request("list_tasks", {}, { chat: "local:bob" }),
      await eve.request("search_messages", { query: "CANARY" }),
      await eve.request("search_messages", { query: "said", limit: 50 }),
      await eve.request("search_messages", { query: "% OR 1=1 --" }),
      await eve.request("cancel_task", { task_id: task }),
    ];
    expect(JSON.stringify(seen)).not.toContain(CANARY);
    expect(seen[5]).toMatchObject({ ok: false });
    expect(at.site.ledger("SELECT status FROM scheduled_tasks")).toEqual([{ status: "active" }]);
    expect(JSON.stringify(await main.request("list_tasks", {}))).toContain(CANARY);
  });

  test("E12 cannot answer themselves: a response is the host's", async () => {
    const id = newRequestId();
    const { out } = await eve.sh(
      `echo '{"ok":true,"result":"mine"}' > /workspace/ipc/responses/${id}.json && echo BROKEN
       ln -s /workspace/group/mine /workspace/ipc/responses/${id}.json && echo BROKEN
       touch /workspace/ipc/responses/.${id}.tmp && echo BROKEN; true`,
    );
    expect(out).not.toContain("BROKEN");
    const response = await eve.request("launch_rockets", {}, {}, id);
    expect(response).toEqual({ ok: false, error: expect.stringContaining("there is no tool") });
    const again = await eve.sh(
      `cd /workspace/ipc/responses; echo x > ${id}.json && echo BROKEN; rm -f ${id}.json && echo BROKEN
       mv ${id}.json other.json && echo BROKEN; chmod 777 ${id}.json && echo BROKEN; true`,
    );
    expect(again.out).not.toContain("BROKEN");
    expect(await eve.response(id)).toEqual(response);
  });

  test("E13 under names that are paths, control characters or no text are taken away, and reach nothing", async () => {
    const before = snapshot(at.outside, at.site.path("ipc/bob/requests"), at.site.path("ipc/bob/responses"));
    const { code, out } = await eve.sh(
      `cd /workspace/ipc/requests
       : > '..%2f..%2fbob%2frequests%2fx.json'; : > '..\\..\\bob.json'; : > $'new\\nline.json'; : > $'\\e[2J\\a.json'
       : > $'\\xff\\xfe\\x80.json'; : > $'\\xc3\\x28'; : > "$(printf 'n%.0s' $(seq 255))"; : > "$(printf '\\n%.0s' $(seq 254); echo x)"
       : > "$(printf '\\xf0\\x9f\\x98\\x80%.0s' $(seq 63))"; : > '-rf'; : > '*'; : > '~'; : > '$(reboot)'; : > '.json'
       : > '...'; : > 'a b'; : > 'con.json'; : > "UPPER0123456789a.json"; : > '0123456789abcdef.json.json'
       mkdir $'\\xff folder' '..folder'; mkfifo $'\\xff fifo'`,
    );
    expect(out).toBe("");
    expect(code).toBe(0);
    // Names with a dot in front are the runner's own half-written files.
    await until(() => readdirSync(at.site.path("ipc/eve/requests")).every((name) => name.startsWith(".")));
    expect(notes().every((name) => /^[A-Za-z0-9._-]+$/.test(name) && name.length < 128)).toBe(true);
    expect(snapshot(at.outside, at.site.path("ipc/bob/requests"), at.site.path("ipc/bob/responses"))).toEqual(before);
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
  });

  test("E14 that are no plain small files are refused unread", async () => {
    const ids = Object.fromEntries(
      ["fifo", "hard", "giant", "folder", "socket", "loop", "deep"].map((kind) => [kind, newRequestId()]),
    );
    const { out } = await eve.sh(
      `cd /workspace/ipc/requests
       mkfifo ${ids["fifo"]}.json; truncate -s 60M .giant; mv .giant ${ids["giant"]}.json; mkdir -p ${ids["folder"]}.json/a/b/c
       echo '{}' > .one; ln .one ${ids["hard"]}.json; ln -s ${ids["loop"]}.json ${ids["loop"]}.json
       node -e 'net.createServer().listen("${ids["socket"]}.json", () => setTimeout(process.exit, 100))'
       node -e 'fs.writeFileSync(".deep", "[".repeat(262144))'; mv .deep ${ids["deep"]}.json
       mknod null.json c 1 3 && echo BROKEN; mknod disk.json b 254 0 && echo BROKEN; true`,
    );
    expect(out).not.toContain("BROKEN");
    const expected = {
      ...{ fifo: "no regular file", giant: "bytes; the limit is 262144", folder: "no regular file" },
      ...{ hard: "second name", loop: "it is a link", deep: "it is no JSON" },
    };
    for (const [kind, error] of Object.entries(expected)) {
      const response = await eve.response(ids[kind] ?? "");
      expect(response, kind).toEqual({ ok: false, error: expect.stringContaining(error) });
    }
    await until(() => !readdirSync(at.site.path("ipc/eve/requests")).includes(`${ids["socket"]}.json`));
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
  });

  test("E15 that come as a flood keep no other group waiting", async () => {
    await eve.sh(`cd /workspace/ipc/requests; for n in $(seq 1000); do : > "flood $n"; done`);
    expect(await bob.request("send_message", { text: "not held up" })).toMatchObject({ ok: true });
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
    await until(() => readdirSync(at.site.path("data/ipc-errors")).length <= 200);
  });

  test("E18 that change between file, link and folder while the host reads show it nothing else", async () => {
    const before = snapshot(at.outside);
    const id = newRequestId();
    const target = `${at.outside}/secret.json`;
    const { code, out } = await eve.sh(
      `cd /workspace/ipc/requests; mkdir -p ../outgoing/race && cat > ../outgoing/race.cjs <<'END'
       const { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } = require("fs");
       const make = [
         (to) => writeFileSync(to, "{}"), (to) => symlinkSync("${target}", to), (to) => mkdirSync(to + "/inner", { recursive: true }),
         (to) => symlinkSync("${at.outside}", to), (to) => writeFileSync(to, "[".repeat(1000)),
       ];
       const until = Date.now() + 3000;
       let rounds = 0;
       for (; Date.now() < until; rounds += 1) {
         try {
           rmSync(".half", { recursive: true, force: true });
           make[rounds % make.length](".half");
           rmSync("${id}.json", { recursive: true, force: true });
           renameSync(".half", "${id}.json");
         } catch {}
       }
       rmSync("${id}.json", { recursive: true, force: true });
       console.log(rounds);
END
       node ../outgoing/race.cjs`,
    );
    expect(code, out).toBe(0);
    expect(Number(out)).toBeGreaterThan(100);
    expect(await bob.request("list_tasks", {})).toMatchObject({ ok: true });
    expect(await eve.request("list_tasks", {})).toMatchObject({ ok: true });
    expect(snapshot(at.outside)).toEqual(before);
    const seen = ["data/ipc-errors", "ipc/eve/responses"].flatMap((folder) =>
      readdirSync(at.site.path(folder)).map((name) => readFileSync(at.site.path(folder, name), "utf8")),
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.join("\n")).not.toContain(CANARY);
  });

  test("E16 left over from a turn that ended do nothing in the next one", async () => {
    const id = newRequestId();
    const stale = JSON.stringify({
      ...{ protocol: 1, turn: eve.turn, attempt: 1, chat: "local:eve", tool: "send_message" },
      args: { text: "stale" },
    });
    await eve.sh(`cp /dev/stdin /workspace/group/stale <<'END'\n${stale}\nEND`);
    expect(await eve.answer("the end")).toEqual(["the end"]);
    const next = await at.takeOver("eve");
    await next.sh(`cp /workspace/group/stale /workspace/ipc/requests/${id}.json`);
    expect(await next.response(id)).toEqual({ ok: false, error: "that turn is over" });
    expect(await next.answer("good")).toEqual(["good"]);
    expect(outbox("local:eve").map(({ content }) => content)).toEqual(["the end", "good"]);
  });

  test("E17 in the journal with another turn's frames say nothing in its chat", async () => {
    const input = readFileSync(at.site.path("groups/bob/orders", `${bob.turn}-1`, "input"), "utf8");
    const { frameToken } = JSON.parse(input) as { frameToken: string };
    const frame = {
      token: frameToken,
      n: 2,
      body: { type: "answer", answer: { status: "ok", text: "forged", session: null } },
    };
    const next = await at.takeOver("eve");
    await next.sh(
      `cd /workspace/ipc/journal; echo '${JSON.stringify(frame)}' | tee ${bob.turn}-1.ndjson $TURN-$ATTEMPT.ndjson`,
    );
    expect(await next.request("list_tasks", {})).toMatchObject({ ok: true });
    expect(await next.answer("only mine")).toEqual(["only mine"]);
    expect(await bob.answer("bob's own")).toEqual(expect.arrayContaining(["bob's own"]));
    expect(outbox("local:bob").map(({ content }) => content)).not.toContain("forged");
  });
});
