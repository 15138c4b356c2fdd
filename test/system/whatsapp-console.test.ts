import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Group, Person } from "../whatsapp-server/people.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

const COMMANDS = ["/help", "/status", "/stop", "/new", "/tasks", "/why", "/groups"];

describe("the console on WhatsApp", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let owner: Person;
  let finn: Person;

  beforeAll(async () => {
    site = await openWhatsAppHome();
    owner = site.server.phone;
    finn = site.server.person({ name: "Finn" });
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose]());
  afterEach(async () => {
    await site.quiet();
    expect(site.server.problems).toEqual([]);
  });

  const groupOf = async (folder: string, rules: object = {}): Promise<Group> => {
    const group = site.server.group({ subject: folder, members: [finn, owner] });
    await site.register(group, folder, rules);
    return group;
  };
  const turnsIn = (folder: string) =>
    site
      .ledger("SELECT status FROM turns WHERE folder = ? ORDER BY created_at, rowid", folder)
      .map(({ status }) => status);
  const running = (folder: string) => turnsIn(folder).filter((status) => status === "running").length;

  it("does nothing for a stranger, and does not answer", async () => {
    const group = await groupOf("strict");
    site.hold("strict");
    await site.server.send(owner, group, "@Andy a long job");
    await site.prompt(1, "strict");
    for (const command of COMMANDS) {
      for (const words of [command, `@Andy ${command}`]) {
        const { id } = await site.server.send(finn, group, words);
        expect(await site.row(id)).toMatchObject({ decision: "context", reason: "sender-not-allowed" });
      }
    }
    expect(turnsIn("strict")).toEqual(["running"]);
    expect(site.ledger("SELECT 1 FROM outbox WHERE chat_jid = ?", group.jid)).toEqual([]);
    expect(site.ledger("SELECT fresh_at FROM registered_groups WHERE folder = 'strict'")).toEqual([{ fresh_at: 0 }]);
    site.letGo("strict");
    expect(await site.texts(group, 1)).toEqual(["Andy: done"]);
    await site.quiet();
    // What the stranger said is not answered later either.
    expect([turnsIn("strict"), site.said(group)]).toEqual([["answered"], [expect.anything()]]);
  });

  it("answers the owner and ends what runs, with the trigger and without it", async () => {
    const group = await groupOf("plans");
    site.hold("plans");
    await site.server.send(owner, group, "@Andy a long job");
    await site.prompt(1, "plans");
    const asked = await site.server.send(owner, group, "@andy, /Status  ");
    expect(await site.row(asked.id)).toMatchObject({ decision: "ignored", reason: "command" });
    expect((await site.texts(group, 1))[0]).toMatch(
      /whatsapp: connected since \d\d:\d\d\nRunning: 1\n- an answer, for \d+ s/,
    );
    await site.server.send(owner, group, "/stop");
    expect((await site.texts(group, 2))[1]).toMatch(/^Andy: Stopped: what ran for/);
    await until(() => running("plans") === 0);
    site.letGo("plans");
    await site.quiet();
    expect([turnsIn("plans"), site.said(group).length]).toEqual([["cancelled"], 2]);
  });

  it("lets members look and stop where they may start turns; the rest is the owner's", async () => {
    const group = await groupOf("open", { senders: "everyone" });
    site.hold("open");
    await site.server.send(finn, group, "@Andy a long job");
    await site.prompt(1, "open");
    const answers: string[] = [];
    for (const command of COMMANDS.filter((one) => one !== "/groups")) {
      await site.server.send(finn, group, command);
      answers.push((await site.texts(group, answers.length + 1)).at(-1) ?? "");
    }
    const [help, status, stop, fresh, tasks, why] = answers;
    expect(help).not.toMatch(/\/new|\/groups/);
    expect(status).toContain("Running: 1");
    expect(stop).toContain("Stopped: what ran");
    expect(fresh).toBe("Andy: /new: only the owner may do that.");
    expect(tasks).toContain("Nothing is scheduled here.");
    expect(why).toContain("a long job");
    site.letGo("open");
  });

  it("tells members nothing of other chats", async () => {
    const group = await groupOf("curious", { senders: "everyone" });
    await site.register(finn, "secret-project", { senders: "everyone", requiresTrigger: false });
    site.hold("secret-project");
    await site.server.send(finn, owner, "hidden words");
    await site.prompt(1, "secret-project");
    for (const [index, command] of ["/status", "/tasks", "/why", "/stop"].entries()) {
      await site.server.send(finn, group, command);
      expect((await site.texts(group, index + 1)).at(-1)).not.toMatch(/secret|hidden words|Running: [1-9]|Stopped/i);
    }
    expect(running("secret-project")).toBe(1);
    site.letGo("secret-project");
  });
});
