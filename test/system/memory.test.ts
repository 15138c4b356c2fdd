import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onLinux } from "./processes.ts";
import { openSite, type Site } from "./site.ts";

describe.runIf(onLinux).concurrent("what a group remembers", { timeout: 60_000 }, () => {
  const add = (site: Site) => site.ask("POST", "/control/groups", { name: "Family", folder: "family" });

  it("is there again when the group is removed and added anew: files, notes and what was said", async () => {
    await using site = await openSite();
    await add(site);
    const notes = site.path("groups", "family", ".kiro", "steering");
    mkdirSync(notes, { recursive: true });
    writeFileSync(site.path("groups", "family", "memory.md"), "Fred is a cat");
    writeFileSync(`${notes}/own.md`, "speak softly");
    await site.answered(await site.say("remind me in 3 hours to feed Fred", "family"));
    await site.ask("DELETE", "/control/groups/family");
    expect(site.ledger("SELECT 1 FROM registered_groups WHERE folder = 'family'")).toEqual([]);
    await add(site);
    expect(readFileSync(site.path("groups", "family", "memory.md"), "utf8")).toBe("Fred is a cat");
    expect(readFileSync(`${notes}/own.md`, "utf8")).toBe("speak softly");
    const found = await site.answered(await site.say("what did we say about Fred?", "family"));
    expect(found.join(" ")).toMatch(/feed Fred/);
    expect(site.ledger("SELECT status FROM scheduled_tasks")).toEqual([{ status: "cancelled" }]);
  });

  it("is found by itself and by main, and by no other group", async () => {
    await using site = await openSite();
    await add(site);
    await site.ask("POST", "/control/groups", { name: "Work", folder: "work" });
    await site.answered(await site.say("the zebra is called Otto", "family"));
    const ask = async (group: string) =>
      (await site.answered(await site.say("what did we say about zebra?", group))).join(" ");
    expect(await ask("family")).toContain("Otto");
    expect(await ask("main")).toContain("Otto");
    expect(await ask("work")).not.toContain("Otto");
  });

  it("is told of the chat with each turn", async () => {
    await using site = await openSite({ scripted: true });
    site.behave("notes-prompts");
    await site.answered(await site.say("hello"));
    expect(readFileSync(site.path("groups", "main", "prompt-1"), "utf8")).toMatch(
      /^<chat name="Main" jid="local:main" group="main" zone="UTC" now="[^"]+" kind="local" \/>\n<messages /,
    );
  });
});
