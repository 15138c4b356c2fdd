import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, jidOf } from "../../../test/ledger-kit.ts";
import { manualClock, settled, type ManualClock } from "../../../test/manual-clock.ts";
import { localJid, type Folder } from "../../domain/ids.ts";
import type { InboundMessage } from "../../domain/message.ts";
import { openStore, type Store } from "../../store/store.ts";
import { createLocalChannel, type LocalChannel } from "./local-channel.ts";

describe("the local chat", () => {
  let store: Store;
  let clock: ManualClock;
  let channel: LocalChannel;
  let received: InboundMessage[];
  let receive: (message: InboundMessage) => Promise<{ seq: number | undefined; duplicate: boolean }>;

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    received = [];
    receive = (message) => {
      const duplicate = received.some(({ id }) => id === message.id);
      received.push(message);
      return Promise.resolve({ seq: 1, duplicate });
    };
    addGroup(store, "main");
    channel = createLocalChannel({
      receive: (message) => receive(message),
      clock,
      mailbox: {
        after: (chat, seq) =>
          store.outbox.after(chat, seq, 100).map(({ text, source, turn, task, seq, messageId, createdAt }) => ({
            ...{ seq, text, source, turn, task, id: messageId, at: createdAt, file: null },
          })),
        newest: store.outbox.newestSeq,
        shown: store.groups.shownSeq,
        markShown: store.groups.markShown,
        open: (folder) =>
          store.groups.find(folder)
            ? { ok: true, folder: folder as Folder }
            : { ok: false, problem: `There is no group "${folder}".` },
      },
    });
  });
  afterEach(() => channel.stop());

  const reply = (text: string, folder = "main") =>
    store.outbox.add({
      ...{ chat: localJid(folderOf(folder)), folder: folderOf(folder), messageId: `id-${text}`, text },
      ...{ source: "answer", turn: null, task: null, requestKey: null, now: clock.now() },
    });
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await channel.routes.request(path, { method: "POST", body: text, headers });
    return { status: response.status, body: (await response.json()) as { error?: string; duplicate?: boolean } };
  };

  describe("a message that is typed", () => {
    test("is handed over as the owner's", async () => {
      const { status } = await post("/main/messages", { id: "1", text: "hello", sender: "Ann" });
      expect(status).toBe(200);
      expect(received).toMatchObject([
        { chat: "local:main", id: "1", sender: "owner", senderName: "Ann", text: "hello", fromOwner: true },
      ]);
      expect(received[0]?.sentAt).toBe(clock.now());
    });

    test("twice with one id is said to be a duplicate", async () => {
      await post("/main/messages", { id: "1", text: "hello" });
      expect((await post("/main/messages", { id: "1", text: "hello" })).body.duplicate).toBe(true);
    });

    test.each([
      ["of 10 MB", "x".repeat(10 * 2 ** 20)],
      ["of one byte too many", "x".repeat(2 ** 20 + 1)],
      ["of many bytes in few characters", "👋".repeat(2 ** 18 + 1)],
    ])("%s is refused with the limit and the cure, and not stored", async (_name, text) => {
      const made = await post("/main/messages", { id: "1", text });
      expect(made.status).toBe(413);
      expect(made.body.error).toMatch(
        /^The message has .*bytes; the limit is 1048576 \(1 MiB\)\. Nothing was stored\. Put/,
      );
      expect(received).toEqual([]);
    });

    test("of 10 MB is refused by its announced length alone", async () => {
      const made = await post("/main/messages", "{}", { "content-length": String(10 * 2 ** 20) });
      expect([made.status, made.body.error]).toEqual([413, expect.stringMatching(/the limit is 1048576/)]);
    });

    test("of exactly the limit is taken", async () => {
      expect((await post("/main/messages", { id: "1", text: "x".repeat(2 ** 20) })).status).toBe(200);
    });

    test.each<[string, unknown]>([
      ["no JSON", "{half"],
      ["no text", { id: "1" }],
      ["no id", { text: "x" }],
      ["an empty id", { id: "", text: "x" }],
      ["an id too long", { id: "x".repeat(65), text: "x" }],
      ["a key too many", { id: "1", text: "x", fromAssistant: true }],
      ["a text that is none", { id: "1", text: 7 }],
    ])("with %s is refused in words", async (_name, body) => {
      const made = await post("/main/messages", body);
      expect([made.status, made.body.error]).toEqual([400, expect.stringMatching(/\S/)]);
      expect(received).toEqual([]);
    });

    test("to a group that is not there is refused in words", async () => {
      const made = await post("/nobody/messages", { id: "1", text: "x" });
      expect([made.status, made.body.error]).toEqual([404, 'There is no group "nobody".']);
    });

    test("that cannot be stored is not acknowledged, and the person is told", async () => {
      receive = () => Promise.reject(new Error("database is locked"));
      const made = await post("/main/messages", { id: "1", text: "x" });
      expect([made.status, made.body.error]).toEqual([
        503,
        expect.stringMatching(/not taken: database is locked.*again/),
      ]);
    });
  });

  describe("the stream of replies", () => {
    interface Stream {
      next(): Promise<{ event: string; data: string }>;
      cancel(): Promise<void>;
    }
    const open = async (query: string): Promise<Stream> => {
      const response = await channel.routes.request(`/main/events${query}`);
      expect(response.status).toBe(200);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      let rest = "";
      const next = async (): Promise<{ event: string; data: string }> => {
        const end = rest.indexOf("\n\n");
        if (end < 0) {
          const { value, done } = await reader.read();
          if (done) return { event: "end", data: "" };
          rest += decoder.decode(value, { stream: true });
          return next();
        }
        const lines = rest.slice(0, end).split("\n");
        rest = rest.slice(end + 2);
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
        return { event: field("event"), data: field("data") };
      };
      return { next, cancel: () => reader.cancel() };
    };
    const textOf = async (stream: Stream): Promise<string> => {
      const { event, data } = await stream.next();
      return event === "reply" ? (JSON.parse(data) as { text: string }).text : event;
    };
    const send = () => channel.send({ chat: jidOf("local:main"), messageId: "x", text: "", file: null });

    test.each([
      ["?after=0", ["one", "two", "three"]],
      ["?after=2", ["three"]],
      ["?after=shown", ["two", "three"]],
      ["", ["two", "three"]],
      ["?after=now", []],
    ])("with %j begins where it is asked to, and goes on live", async (query, texts) => {
      for (const text of ["one", "two", "three"]) reply(text);
      store.groups.markShown(jidOf("local:main"), 1);
      const stream = await open(query);
      expect(await textOf(stream)).toBe("open");
      for (const text of texts) expect(await textOf(stream)).toBe(text);
      reply("live");
      await send();
      expect(await textOf(stream)).toBe("live");
      await stream.cancel();
    });

    test("shows hundreds of missed replies without a pause", async () => {
      for (let count = 0; count < 350; count += 1) reply(`reply ${count}`);
      const stream = await open("?after=0");
      expect(await textOf(stream)).toBe("open");
      for (let count = 0; count < 350; count += 1) expect(await textOf(stream)).toBe(`reply ${count}`);
      expect(clock.monotonic()).toBe(0);
      await stream.cancel();
    });

    test("shows no other chat's replies", async () => {
      addGroup(store, "family");
      const stream = await open("?after=0");
      reply("theirs", "family");
      reply("ours");
      await send();
      expect([await textOf(stream), await textOf(stream)]).toEqual(["open", "ours"]);
      await stream.cancel();
    });

    test("pings when nothing happens", async () => {
      const stream = await open("?after=now");
      expect(await textOf(stream)).toBe("open");
      await clock.advance(15_000);
      expect(await textOf(stream)).toBe("ping");
      await stream.cancel();
    });

    test("a reader that leaves is forgotten, one that does not read holds nobody up", async () => {
      const [gone, lazy, keen] = await Promise.all([open("?after=0"), open("?after=0"), open("?after=0")]);
      expect([await textOf(gone), await textOf(keen)]).toEqual(["open", "open"]);
      expect(channel.state().detail).toBe("3 open");
      await gone.cancel();
      await clock.advance(15_000);
      expect(await textOf(keen)).toBe("ping");
      for (let count = 0; count < 200; count += 1) reply(`${count} ${"x".repeat(10_000)}`);
      expect(await send()).toEqual({ kind: "acknowledged" });
      for (let count = 0; count < 200; count += 1) expect(await textOf(keen)).toMatch(new RegExp(`^${count} x`));
      expect(channel.state().detail).toBe("2 open");
      await Promise.all([lazy.cancel(), keen.cancel()]);
    });

    test("ends when the host stops", async () => {
      const stream = await open("?after=now");
      expect(await textOf(stream)).toBe("open");
      await settled();
      await channel.stop();
      await channel.stop();
      expect(await textOf(stream)).toBe("end");
    });

    test.each(["?after=soon", "?after=1.5", "?after=Infinity"])("%s is refused in words", async (query) => {
      const response = await channel.routes.request(`/main/events${query}`);
      expect([response.status, await response.json()]).toEqual([400, { error: expect.stringMatching(/is no number/) }]);
    });
  });

  test("what was shown is kept, and never goes back", async () => {
    for (const seq of [3, 2]) expect((await post("/main/shown", { seq })).status).toBe(200);
    expect(store.groups.shownSeq(jidOf("local:main"))).toBe(3);
    for (const body of [{ seq: -1 }, { seq: "3" }, {}, "{half"])
      expect((await post("/main/shown", body)).status).toBe(400);
  });

  test("owns local chats and no others", () => {
    expect([channel.owns(jidOf("local:main")), channel.owns(jidOf("123@g.us"))]).toEqual([true, false]);
  });
});
