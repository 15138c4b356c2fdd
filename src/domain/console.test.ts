import { describe, expect, test } from "vitest";
import { registered } from "../../test/ledger-kit.ts";
import { judgeCommand, readCommand } from "./console.ts";
import { consoleCommands, type ConsoleCommand, type Role } from "./rights.ts";
import type { Jid } from "./ids.ts";

const read = (text: string, changes: { trigger?: string; mentionsUs?: boolean; folder?: string } = {}) =>
  readCommand({ text, trigger: "@Andy", mentionsUs: false, ...changes, folder: (changes.folder ?? "main") as never });

describe("a command in a text", () => {
  test.each([
    ["/status", "/status"],
    ["  /STOP \n", "/stop"],
    ["@Andy /status", "/status"],
    ["@andy, /Why", "/why"],
    ["@ANDY:\n/tasks", "/tasks"],
    ["@Andy/new", "/new"],
  ])("%j is %s", (text, command) => expect(read(text)).toBe(command));

  test.each([
    "",
    "/",
    "status",
    "/status please",
    "tell me /status",
    "/weather",
    "/statuses",
    "//status",
    "@Bob /status",
  ])("%j is none", (text) => expect(read(text)).toBeUndefined());

  test("follows the chat's own trigger, in any script, or a real mention", () => {
    expect(read("小助 /status", { trigger: "小助" })).toBe("/status");
    expect(read("小助/status", { trigger: "小助" })).toBe("/status");
    expect(read("@Andy /status", { trigger: "@Bob" })).toBeUndefined();
    expect(read("@4915200000001 /stop", { mentionsUs: true })).toBe("/stop");
    expect(read("@4915200000001 /stop")).toBeUndefined();
  });

  test("for groups there is one in main alone; elsewhere the text is the agent's", () => {
    expect(read("/groups")).toBe("/groups");
    expect(read("/groups", { folder: "family" })).toBeUndefined();
  });

  test("is not looked for in a long text", () => {
    const long = " ".repeat(500_000);
    expect(read(`@Andy${long}/stop`)).toBeUndefined();
    expect(read(`x${"/a".repeat(500_000)}`)).toBeUndefined();
  });
});

describe("who may give it, and how far the answer looks", () => {
  const local = registered("main");
  const mains = { ...local, jid: "1@s.whatsapp.net" as Jid };
  const group = { ...registered("family"), jid: "1@g.us" as Jid };
  const familys = registered("family");
  const ruled = (chat: typeof group, role: Role) =>
    Object.fromEntries(
      consoleCommands.map((command): [ConsoleCommand, string] => {
        const ruling = judgeCommand({ command, chat, role });
        return [command, ruling.allowed ? ruling.scope : "-"];
      }),
    );
  const row = (rest: string, stop: string, fresh: string, groups: string) => ({
    ...{ "/help": rest, "/status": rest, "/tasks": rest, "/why": rest },
    ...{ "/stop": stop, "/new": fresh, "/groups": groups },
  });

  test.each([
    ["the owner in main", mains, "owner", row("host", "group", "group", "host")],
    ["the owner in a group", group, "owner", row("chat", "group", "group", "-")],
    ["the owner in a group's local chat", familys, "owner", row("group", "group", "group", "-")],
    ["a member of a group", group, "member", row("chat", "chat", "-", "-")],
    ["a member of a chat of main", mains, "member", row("chat", "chat", "-", "-")],
    ["a guest", group, "guest", row("-", "-", "-", "-")],
  ] as const)("%s", (_, chat, role, expected) => expect(ruled(chat, role)).toEqual(expected));
});
