import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeForkHome } from "../fork-home/fork-home.ts";
import { makeOldLink } from "../fork-home/old-link.ts";
import { run } from "./command.ts";
import { until } from "./until.ts";
import { openWhatsAppHost } from "./whatsapp-host.ts";

describe("a clone of the old system with the new code in it", { timeout: 120_000 }, () => {
  it("starts, and has everything: link, history, tasks; what was open is answered, once", async () => {
    await using site = await openWhatsAppHost({ linked: false });
    const { server } = site;
    const owner = server.phone;
    const finn = server.person({ name: "Finn" });
    const group = server.group({ subject: "Family", members: [finn, owner] });
    await makeOldLink(server, site.path("store", "auth"));
    const self = `${owner.number}@s.whatsapp.net`;
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
    const old = makeForkHome({ root: site.home });
    old.group("main", { jid: self, requires_trigger: 0 });
    old.group("family", { jid: group.jid });
    const mine = { chat_jid: self, sender: self, is_from_me: 1 };
    old.message("A1", { ...mine, content: "the walrus is called Bruno", timestamp: at(7_200) });
    old.message("A2", { ...mine, content: "Andy: noted", is_bot_message: 1, timestamp: at(7_100) });
    old.message("A3", { ...mine, content: "search for walrus", timestamp: at(60) });
    const sender = `${finn.number}@s.whatsapp.net`;
    old.message("B1", { chat_jid: group.jid, sender, content: "@Andy search for zebra", timestamp: at(90) });
    old.task("daily", { group_folder: "main", chat_jid: self, prompt: "Send this reminder: stretch" });
    old.state("last_agent_timestamp", JSON.stringify({ [self]: at(7_150), [group.jid]: at(30) }));
    old.insert("sessions", { group_folder: "main", session_id: "kiro:main" });
    old[Symbol.dispose]();

    const host = await site.start();
    await site.online();
    const [answer = ""] = await site.texts(owner, 1);
    expect(answer).toContain("the walrus is called Bruno");
    expect(host.stderr()).toContain("Moved in from the old system: 2 groups, 4 messages, 1 task");
    const tasks = await run(site.home, ["tasks", "list"]);
    expect(tasks.stdout).toContain("daily");
    await server.send(finn, group, "@Andy search for zebra");
    const [zebra = ""] = await site.texts(group, 1);
    expect(zebra).toContain("zebra");
    await site.end();
    await site.start();
    await site.online();
    await until(
      () => site.ledger("SELECT 1 FROM outbox WHERE status = 'pending' AND chat_jid NOT LIKE 'local:%'").length === 0,
    );
    expect(site.ledger("SELECT chat_jid, count(*) AS n FROM turns GROUP BY chat_jid ORDER BY chat_jid")).toEqual(
      [
        { chat_jid: group.jid, n: 1 },
        { chat_jid: self, n: 1 },
      ].sort((a, b) => (a.chat_jid < b.chat_jid ? -1 : 1)),
    );
    expect(site.said(owner)).toHaveLength(1);
    const [report = ""] = readdirSync(site.path("data")).filter((name) => name.startsWith("moved-in-"));
    expect(readFileSync(site.path("data", report), "utf8")).toContain('In "family" EVERYONE may start turns');
    expect(readFileSync(site.path("logs", "nanoclaw.log"), "utf8")).toContain("Moved in from the old system");
    expect(existsSync(site.path("store", "auth", "creds.json"))).toBe(true);
    expect(server.phone.devices).toHaveLength(1);
    expect(server.problems).toEqual([]);
  });
});
