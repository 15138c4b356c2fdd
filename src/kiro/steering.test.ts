import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolArguments, toolNames } from "@nanoclaw/agent-runner/protocol";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import { steeringText, writeSteering } from "./steering.ts";

const texts = [true, false].map(steeringText);

describe("what an agent is told", () => {
  it("names only tools that exist, and all of them; those for groups to main alone", () => {
    const [main = "", others = ""] = texts;
    const named = (text: string) => new Set([...text.matchAll(/`([a-z]+_[a-z]+)`/g)].map(([, name]) => name));
    expect(named(main)).toEqual(new Set(toolNames));
    expect(named(others)).toEqual(new Set(toolNames.filter((name) => !/_groups?$/.test(name))));
  });

  it.each(texts)("names places by variables that a runner really has, never by a path of one runtime", (text) => {
    const variables = new Set([...text.matchAll(/\$([A-Z_]+)/g)].map(([, name]) => name));
    expect(variables).toEqual(new Set(["NANOCLAW_GROUP_DIR", "NANOCLAW_GLOBAL_DIR", "NANOCLAW_EXTRA_DIR"]));
    expect(text).not.toMatch(/\/workspace|\/home\/|\/Users/);
  });

  it("tells only main that it may speak in other chats", () => {
    const [main = "", others = ""] = texts;
    expect(Object.keys(toolArguments.send_message.shape)).toContain("chat");
    expect(main).toMatch(/other chats and schedule tasks for them/);
    expect(others).toMatch(/for this group alone/);
    expect(others).not.toMatch(/`chat`/);
  });
});

describe("writing it", () => {
  const place = (group: string) => ({ group, main: false, owner: null });

  it("happens once; what became of it stays", () => {
    const group = temporary();
    const path = join(group, ".kiro", "steering", "nanoclaw.md");
    expect(writeSteering(place(group))).toBe("written");
    expect(readFileSync(path, "utf8")).toBe(texts[1]);
    writeFileSync(path, "mine");
    expect(writeSteering({ ...place(group), main: true })).toBe("kept");
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  it("does not follow a link, dead or alive", () => {
    const group = temporary();
    const folder = join(group, ".kiro", "steering");
    mkdirSync(folder, { recursive: true });
    symlinkSync(join(group, "nowhere"), join(folder, "nanoclaw.md"));
    expect(writeSteering(place(group))).toBe("kept");
    expect(readdirSync(group)).toEqual([".kiro"]);
  });

  it.each([[".kiro"], [".kiro/steering"]])("does not go through a link in place of %s", (name) => {
    const [group, elsewhere] = [temporary(), temporary()];
    if (name !== ".kiro") mkdirSync(join(group, ".kiro"));
    symlinkSync(elsewhere, join(group, name));
    expect(() => writeSteering(place(group))).toThrow("is no folder");
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
