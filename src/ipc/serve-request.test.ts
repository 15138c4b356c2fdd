import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUTGOING_MAX_BYTES, toolResults } from "@nanoclaw/agent-runner/protocol";
import { addGroup, folderOf, found, jidOf, registered, resultOf, startTurn } from "../../test/ledger-kit.ts";
import { noGroupDesk } from "../../test/group-desk-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { randomName } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { clearOutgoing } from "./outgoing-file.ts";
import { serveRequest } from "./serve-request.ts";

describe("a file that an agent sends", () => {
  let root: string;
  let store: Store;
  const clock = manualClock();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "nanoclaw-serve-"));
    store = openStore(":memory:");
    addGroup(store, "main");
    addGroup(store, "family");
    store.groups.addChat(registered("family", { jid: jidOf("1@g.us") }));
    for (const folder of ["main", "family"]) mkdirSync(outgoing(folder), { recursive: true });
    writeFileSync(join(root, "secret"), "secret");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const outgoing = (folder: string, ...rest: string[]) => join(root, "ipc", folder, "outgoing", ...rest);
  const copies = (folder: string) => {
    const path = join(root, "data", "outbox", folder);
    return existsSync(path) ? readdirSync(path) : [];
  };
  /** A running turn of a group, and what its agent calls. */
  const agent = (folder: string) => {
    const { turn } = startTurn(store, folder);
    const chat = turn.chat;
    const send = (args: object, id = randomName(16)) => {
      const home = { root, group: (name: string) => ({ ipc: join(root, "ipc", name) }) };
      const screen = (text: string) => text.replaceAll("hush-hush", "[removed]");
      const hooks = { onOutbox: () => {}, onSchedule: () => {} };
      const options = { store, clock, zone: "Europe/Berlin", screen, groups: noGroupDesk, ...hooks, home };
      const request = { protocol: 1, turn: turn.id, attempt: 1, chat, tool: "send_file", args };
      return serveRequest(options, folderOf(folder), id, request);
    };
    const put = (id: string, content = "the plan") => writeFileSync(outgoing(folder, id), content);
    return { turn: turn.id, send, put, acted: () => found(store.turns.find(turn.id)).acted };
  };

  test("becomes a message with the host's own copy; what lay in outgoing is gone", async () => {
    const { turn, send, put, acted } = agent("main");
    const id = randomName(16);
    put(id);
    const made = await send({ path: "sub/../Plan 1.pdf", caption: "see <internal>x</internal>hush-hush" }, id);
    const { message_id } = toolResults.send_file.parse(resultOf(made));
    const [row] = store.outbox.ofTurn(turn);
    expect(row).toMatchObject({
      messageId: message_id,
      text: "see [removed]",
      source: "send_message",
      chat: "local:main",
    });
    const path = join("data", "outbox", "main", message_id);
    expect(row?.file).toEqual({ path, name: "Plan 1.pdf", mime: "application/pdf", bytes: 8 });
    expect(readFileSync(join(root, path), "utf8")).toBe("the plan");
    expect(statSync(join(root, path)).mode & 0o777).toBe(0o600);
    expect(readdirSync(outgoing("main"))).toEqual([]);
    expect(acted()).toBe(true);
  });

  test("has the name that the agent gives it, made safe, and main may send it elsewhere", async () => {
    const { send, put } = agent("main");
    const id = randomName(16);
    put(id);
    const made = await send({ path: "a", name: "../../x/hush-hush\u202egnp.jpg", chat: "1@g.us" }, id);
    const { message_id } = toolResults.send_file.parse(resultOf(made));
    expect(store.outbox.byMessageId(message_id)).toMatchObject({
      ...{ chat: "1@g.us", folder: "family", text: "" },
      file: { name: "[removed]gnp.jpg", mime: "image/jpeg", path: join("data", "outbox", "family", message_id) },
    });
  });

  test("executed twice is one message, one copy, one answer, also when the second time there is no file", async () => {
    const { send, put, turn } = agent("main");
    const id = randomName(16);
    put(id);
    const first = await send({ path: "a.txt" }, id);
    expect(await send({ path: "a.txt" }, id)).toEqual(first);
    put(id, "another one");
    store.turns.end(turn, "answered", 1);
    expect(await send({ path: "a.txt" }, id)).toEqual(first);
    expect(store.outbox.ofTurn(turn)).toHaveLength(1);
    expect(copies("main")).toHaveLength(1);
    expect(readdirSync(outgoing("main"))).toEqual([]);
  });

  test("is not sent when the ledger cannot take it; the next try sends it", async () => {
    const { send, put, turn } = agent("main");
    const id = randomName(16);
    put(id);
    const record = store.requests.record;
    store.requests.record = () => {
      throw Object.assign(new Error("disk full"), { errcode: 13 });
    };
    await expect(send({ path: "a.txt" }, id)).rejects.toThrow("disk full");
    expect([copies("main"), readdirSync(outgoing("main"))]).toEqual([[], [id]]);
    store.requests.record = record;
    expect((await send({ path: "a.txt" }, id)).ok).toBe(true);
    expect(store.outbox.ofTurn(turn)).toHaveLength(1);
    expect(copies("main")).toHaveLength(1);
  });

  const secret = () => join(root, "secret");
  test.each<[string, (path: string) => void, RegExp]>([
    ["nothing", () => {}, /it is not there/],
    ["a link", (path) => symlinkSync(secret(), path), /it is a link/],
    ["a dead link", (path) => symlinkSync(join(root, "nowhere"), path), /it is a link/],
    ["a link to itself", (path) => symlinkSync(path, path), /it is a link/],
    ["a hard link", (path) => linkSync(secret(), path), /second name/],
    ["a FIFO", (path) => execFileSync("mkfifo", [path]), /no regular file/],
    ["a folder", (path) => mkdirSync(join(path, "inner"), { recursive: true }), /no regular file/],
    [
      "a folder of links",
      (path) => {
        mkdirSync(path);
        symlinkSync(root, join(path, "up"));
      },
      /no regular file/,
    ],
    ["an empty file", (path) => writeFileSync(path, ""), /it is empty/],
    [
      "a byte too much",
      (path) => {
        writeFileSync(path, "");
        truncateSync(path, OUTGOING_MAX_BYTES + 1);
      },
      /67108865 bytes; the limit is 67108864/,
    ],
    [
      "a sparse giant",
      (path) => {
        writeFileSync(path, "");
        truncateSync(path, 2 ** 36);
      },
      /the limit is/,
    ],
  ])("is refused when it is %s; nothing is kept, and what it points at stays", async (_name, make, reason) => {
    const { send, put, turn, acted } = agent("family");
    const id = randomName(16);
    make(outgoing("family", id));
    const made = await send({ path: "a.txt" }, id);
    expect(made).toEqual({ ok: false, error: expect.stringMatching(reason) });
    expect([copies("family"), store.outbox.ofTurn(turn), acted()]).toEqual([[], [], false]);
    expect(readFileSync(secret(), "utf8")).toBe("secret");
    const left = readdirSync(outgoing("family"), { withFileTypes: true });
    expect(left.every((entry) => entry.isDirectory())).toBe(true);
    const next = randomName(16);
    put(next);
    expect((await send({ path: "a.txt" }, next)).ok).toBe(true);
  });

  test("is refused when outgoing itself leads elsewhere", async () => {
    const { send } = agent("family");
    const id = randomName(16);
    mkdirSync(join(root, "elsewhere"));
    writeFileSync(join(root, "elsewhere", id), "the owner's");
    renameSync(outgoing("family"), join(root, "ipc", "family", "old"));
    symlinkSync(join(root, "elsewhere"), outgoing("family"));
    expect(await send({ path: "a.txt" }, id)).toMatchObject({ ok: false });
    expect([copies("family"), readdirSync(join(root, "elsewhere"))]).toEqual([[], [id]]);
  });

  test.each<[string, object, RegExp]>([
    ["for another group's chat", { path: "a.txt", chat: "local:main" }, /only the main group/],
    ["for a chat that nobody registered", { path: "a.txt", chat: "2@g.us" }, /not registered/],
    ["without a path", {}, /send_file: /],
    ["with an argument too many", { path: "a.txt", to: "main" }, /send_file: /],
  ])("%s is refused before it is copied", async (_name, args, reason) => {
    const { send, put, acted } = agent("family");
    const id = randomName(16);
    put(id);
    expect(await send(args, id)).toEqual({ ok: false, error: expect.stringMatching(reason) });
    expect([copies("family"), copies("main"), acted()]).toEqual([[], [], false]);
    expect(readdirSync(outgoing("family"))).toEqual([]);
  });

  test("of an attempt that is over is refused", async () => {
    const { send, put, turn } = agent("family");
    const id = randomName(16);
    put(id);
    store.turns.end(turn, "answered", 1);
    expect(resultOf(await send({ path: "a.txt" }, id))).toBe("that turn is over");
    expect(copies("family")).toEqual([]);
  });

  test("and that was never asked for goes after a while; everything else in outgoing is the agent's", async () => {
    const [old, fresh] = [randomName(16), randomName(16)];
    for (const name of [old, fresh, "notes.txt"]) writeFileSync(outgoing("family", name), "");
    mkdirSync(outgoing("family", randomName(16)));
    utimesSync(outgoing("family", fresh), 1, 1); // the agent's word for its age does not count
    const made = statSync(outgoing("family", fresh)).ctimeMs;
    await clearOutgoing(outgoing("family"), { ...clock, now: () => made });
    expect(readdirSync(outgoing("family"))).toHaveLength(4);
    await clearOutgoing(outgoing("family"), { ...clock, now: () => made + 20 * 60_000 });
    expect(readdirSync(outgoing("family"))).toHaveLength(2);
  });
});
