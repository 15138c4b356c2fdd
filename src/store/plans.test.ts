import { describe, expect, test } from "vitest";
import { folderOf, jidOf, taskIdOf } from "../../test/ledger-kit.ts";
import type { TurnId } from "../domain/ids.ts";
import { openDatabase, type Database } from "./database.ts";
import { groupTable } from "./groups.ts";
import { messageTable } from "./messages.ts";
import { outboxTable } from "./outbox.ts";
import { personTable } from "./persons.ts";
import { requestTable } from "./requests.ts";
import { taskTable } from "./tasks.ts";
import { turnTable } from "./turns.ts";

/** A database that also tells how each statement is carried out. */
function explaining(plans: string[]): Database {
  const db = openDatabase(":memory:");
  const note = (sql: string, values: Parameters<Database["get"]>[1][]) => {
    for (const row of db.all(`EXPLAIN QUERY PLAN ${sql}`, ...values)) plans.push(String(row["detail"]));
  };
  return {
    ...db,
    run: (sql, ...values) => (note(sql, values), db.run(sql, ...values)),
    get: (sql, ...values) => (note(sql, values), db.get(sql, ...values)),
    all: (sql, ...values) => (note(sql, values), db.all(sql, ...values)),
  };
}

/** Tables that stay small may be read whole. */
const small = /\b(registered_chats|registered_groups|c)\b/;

describe("what is asked often reads no table from end to end", () => {
  const chat = jidOf("local:main");
  const turn = "abcdefghijkl" as TurnId;
  const hot: [string, (db: Database) => unknown][] = [
    ["who waits", (db) => turnTable(db).waiting(1)],
    ["what is due next", (db) => turnTable(db).nextDue(1)],
    ["what runs", (db) => turnTable(db).running()],
    ["what runs in a folder", (db) => turnTable(db).runningIn("main")],
    ["the open turn of a chat", (db) => turnTable(db).openMessageTurn(chat)],
    ["the open turn of a task", (db) => turnTable(db).openTaskTurn(taskIdOf("task-a"))],
    ["the last turn of a chat", (db) => turnTable(db).lastEnded(chat)],
    ["a turn", (db) => turnTable(db).find(turn)],
    ["an earlier attempt", (db) => turnTable(db).earlierInput(turn, 2)],
    ["messages for a prompt", (db) => messageTable(db).forPrompt(chat, 1, 9, 10)],
    ["how many", (db) => messageTable(db).countForPrompt(chat, 1, 9)],
    ["the newest call", (db) => messageTable(db).newestCall(chat, 1, 9)],
    ["the newest of a chat", (db) => messageTable(db).newestIn(chat)],
    ["the newest of all", (db) => messageTable(db).newestSeq()],
    ["a message by its names", (db) => messageTable(db).find(chat, "a", "1")],
    ["what is called by an id", (db) => messageTable(db).withId(chat, "1")],
    ["a person's name", (db) => personTable(db).canonical("777@lid")],
    ["a number's name", (db) => personTable(db).canonical("4917600000001@s.whatsapp.net")],
    ["what has an id in the outbox", (db) => outboxTable(db).byMessageId("1")],
    ["what a request made", (db) => outboxTable(db).byRequest("a/1")],
    ["what is to be sent", (db) => outboxTable(db).due(1, 1)],
    ["how much is to be sent", (db) => outboxTable(db).pendingCount()],
    ["a chat's replies", (db) => outboxTable(db).after(chat, 1, 10)],
    ["a chat's newest reply", (db) => outboxTable(db).newestSeq(chat)],
    ["a turn's replies", (db) => outboxTable(db).ofTurn(turn)],
    ["tasks that are due", (db) => taskTable(db).due(1, 10)],
    ["the next task", (db) => taskTable(db).nextDue()],
    ["what a turn has scheduled", (db) => taskTable(db).madeBy(turn)],
    ["a group's tasks", (db) => taskTable(db).open(folderOf("main"), 10)],
    ["how many tasks a group has", (db) => taskTable(db).openCount(folderOf("main"))],
    ["missed runs that wait", (db) => taskTable(db).waitingRuns(10)],
    ["how many of a task wait", (db) => taskTable(db).waitingCount(taskIdOf("task-a"))],
    ["a turn's first input", (db) => turnTable(db).firstInputAt(turn)],
    ["the runs of a task", (db) => taskTable(db).runs(taskIdOf("task-a"), 5)],
    ["a request", (db) => requestTable(db).response(folderOf("main"), "x")],
    ["a chat", (db) => groupTable(db).chat(chat)],
  ];

  test.each(hot)("%s", (_name, ask) => {
    const plans: string[] = [];
    using db = explaining(plans);
    ask(db);
    expect(plans).not.toEqual([]);
    const whole = plans.filter((step) => /^SCAN /.test(step) && !/USING (COVERING )?INDEX|CONSTANT ROW/.test(step));
    expect(whole.filter((step) => !small.test(step) && !/^SCAN \(?subquery/i.test(step))).toEqual([]);
  });
});
