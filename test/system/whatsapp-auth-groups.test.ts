import { describe, expect, it } from "vitest";
import { openWhatsAppHost } from "./whatsapp-host.ts";

describe("groups sync", { timeout: 60_000 }, () => {
  it("lists the groups of the account from the running host, with names that a terminal can bear", async () => {
    await using site = await openWhatsAppHost();
    const { server } = site;
    const finn = server.person({ name: "Finn" });
    const members = [server.phone, finn];
    const plans = server.group({ subject: "Plans", members });
    const long = server.group({ subject: `\u001b[31m\u202eLong\n${"ß".repeat(10_000)}`, members });
    server.group({ subject: "Without us", members: [finn] });
    await using none = site.run(["groups", "sync"]);
    expect(await none.ended).toBe(1);
    expect(none.stderr()).toBe(
      "No host runs in this home, and only a running one can ask WhatsApp. Start it: npm start\n",
    );
    await site.start();
    await site.online();
    const { logins } = site.device();
    await using add = site.run(["groups", "add", "--jid", plans.jid, "--name", "Plans", "--folder", "plans"]);
    expect(await add.ended).toBe(0);
    for (;;) {
      await using sync = site.run(["groups", "sync", "--json"]);
      if ((await sync.ended) !== 0 || sync.stdout() === "[]\n") continue; // not asked for yet
      expect(JSON.parse(sync.stdout())).toEqual([
        { jid: long.jid, name: long.subject, folder: null, held: false },
        { jid: plans.jid, name: "Plans", folder: "plans", held: false },
      ]);
      break;
    }
    await using sync = site.run(["groups", "sync"]);
    expect(await sync.ended).toBe(0);
    const [first = "", second = "", third] = sync.stdout().split("\n");
    expect(first).toMatch(/^1 {2}Long ß+… {2}\d[\d-]+@g\.us {2}-$/);
    expect(first.length).toBeLessThan(110);
    expect(second).toMatch(/^2 {2}Plans +\d[\d-]+@g\.us {2}registered: plans$/);
    expect(third).toContain("groups add --jid <id>");
    expect(site.device().logins).toBe(logins);
  });
});
