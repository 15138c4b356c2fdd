import { toolNames } from "@nanoclaw/agent-runner/protocol";
import { describe, expect, test } from "vitest";
import { folderOf } from "../../test/ledger-kit.ts";
import { actions, actsOutside, judge, roleOf, type Action, type Actor, type Place } from "./rights.ts";

const [main, family, work] = ["main", "family", "work"].map(folderOf) as [never, never, never];

const actors: Record<string, Actor> = {
  cli: { kind: "cli" },
  "main's agent": { kind: "agent", folder: main },
  "family's agent": { kind: "agent", folder: family },
  "work's agent": { kind: "agent", folder: work },
  "owner in main": { kind: "person", role: "owner", folder: main },
  "owner in family": { kind: "person", role: "owner", folder: family },
  "sender in family": { kind: "person", role: "member", folder: family },
  "guest in family": { kind: "person", role: "guest", folder: family },
  "guest in main": { kind: "person", role: "guest", folder: main },
  "anybody elsewhere": { kind: "person", role: "guest", folder: undefined },
};

/** The columns below: family's chat, main's, one that nobody registered, family's of another account. */
const places: Place[] = [
  { folder: family, held: false },
  { folder: main, held: false },
  { folder: undefined, held: false },
  { folder: family, held: true },
];

const table: { actions: string; rights: Record<string, string> }[] = [
  {
    actions: "send_message send_file schedule_task",
    rights: {
      //                   family main none held
      cli: "                 +    +    -    -",
      "main's agent": "      +    +    -    -",
      "family's agent": "    +    -    -    -",
      "work's agent": "      -    -    -    -",
      "owner in main": "     +    +    -    -",
      "owner in family": "   +    -    -    -",
      "sender in family": "  +    -    -    -",
    },
  },
  {
    actions: "list_tasks update_task pause_task resume_task cancel_task search_messages",
    rights: {
      cli: "                 +    +    -    +",
      "main's agent": "      +    +    -    +",
      "family's agent": "    +    -    -    +",
      "work's agent": "      -    -    -    -",
      "owner in main": "     +    +    -    +",
      "owner in family": "   +    -    -    +",
      "sender in family": "  +    -    -    +",
    },
  },
  {
    actions: "list_groups register_group update_group write_global_notes",
    rights: {
      cli: "                 +    +    +    +",
      "main's agent": "      +    +    +    +",
      "owner in main": "     +    +    +    +",
    },
  },
  {
    actions: "remove_group",
    rights: {
      cli: "                 +    -    +    +",
      "main's agent": "      +    -    +    +",
      "owner in main": "     +    -    +    +",
    },
  },
  {
    actions: "start_turn /help /status /stop /tasks /why",
    rights: {
      cli: "                 +    +    -    -",
      "owner in main": "     +    +    -    -",
      "owner in family": "   +    -    -    -",
      "sender in family": "  +    -    -    -",
    },
  },
  {
    actions: "/new",
    rights: {
      cli: "                 +    +    -    -",
      "owner in main": "     +    +    -    -",
      "owner in family": "   +    -    -    -",
    },
  },
  {
    actions: "/groups",
    rights: {
      cli: "                 +    +    -    -",
      "owner in main": "     +    +    -    -",
    },
  },
  {
    actions: "read_global_notes",
    rights: {
      cli: "                 +    +    -    +",
      "main's agent": "      +    +    -    +",
      "family's agent": "    +    +    -    +",
      "work's agent": "      +    +    -    +",
      "owner in main": "     +    +    -    +",
      "owner in family": "   +    +    -    +",
      "sender in family": "  +    +    -    +",
    },
  },
  {
    actions: "set_mounts set_mcp share_login open_network raise_limits open_main confirm_chats",
    rights: { cli: "         +    +    +    +" },
  },
  { actions: "purge_group", rights: { cli: "+    -    +    +" } },
];

describe("who may do what, and where", () => {
  for (const { actions: names, rights } of table) {
    for (const [name, actor] of Object.entries(actors)) {
      const row = (rights[name] ?? "- - - -").replaceAll(" ", "");
      test(`${name}: ${names}: ${row}`, () => {
        for (const action of names.split(" ") as Action[]) {
          const rulings = places.map((chat) => judge({ actor, action, chat }));
          expect(rulings.map(({ allowed }) => (allowed ? "+" : "-")).join(""), action).toBe(row);
          for (const ruling of rulings) if (!ruling.allowed) expect(ruling.reason).toMatch(/\w{3}/);
        }
      });
    }
  }

  test("the table names each action once, and nobody that it does not know", () => {
    expect(table.flatMap((part) => part.actions.split(" ")).sort()).toEqual([...actions].sort());
    for (const { rights } of table) expect(Object.keys(actors)).toEqual(expect.arrayContaining(Object.keys(rights)));
    for (const tool of toolNames) expect(actions).toContain(tool);
  });
});

test("who writes is the owner, one of the named senders, or a guest", () => {
  const ann = { sender: "49151@s.whatsapp.net", fromOwner: false };
  expect(roleOf({ ...ann, fromOwner: true }, "owner")).toBe("owner");
  expect(roleOf(ann, "owner")).toBe("guest");
  expect(roleOf(ann, "everyone")).toBe("member");
  expect(roleOf(ann, ["49151@s.whatsapp.net"])).toBe("member");
  expect(roleOf(ann, ["49152@s.whatsapp.net"])).toBe("guest");
});

test("a turn that sent or changed something has acted; one that only looked has not", () => {
  const looks: Action[] = ["list_groups", "list_tasks", "search_messages"];
  expect(toolNames.filter((tool) => !actsOutside(tool)).sort()).toEqual(
    looks.filter((tool) => toolNames.includes(tool as never)),
  );
});
