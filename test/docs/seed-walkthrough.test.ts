import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openWhatsAppHome } from "../system/whatsapp-home.ts";
import { repository } from "./clone.ts";
import { isShell, readPage } from "./read-page.ts";
import { seedCommands } from "./seed-walkthrough-commands.ts";

const PAGE = "docs/seed-walkthrough.md";
const markdown = readFileSync(join(repository, PAGE), "utf8");
const blocks = readPage(PAGE, markdown).filter(isShell);

test("the page has every command of the seed, word for word, in its order and under its section", () => {
  const sectionAt = (at: number) => Number(/.*\n## (?:\d+, )?(\d+)\)/s.exec(markdown.slice(0, at))?.[1]);
  let from = 0;
  for (const { section, command } of seedCommands) {
    const at = markdown.indexOf(command, from);
    expect({ command, section: at === -1 ? "missing, or before another one" : sectionAt(at) }).toEqual({
      command,
      section,
    });
    from = at;
  }
  expect([...markdown.matchAll(/^## (.+?)\)/gm)].flatMap(([, number = ""]) => number.split(", "))).toEqual(
    Array.from({ length: 13 }, (_, index) => `${index + 1}`),
  );
});

test("every block that is not run says why, and how it was checked instead", () => {
  const reasons = blocks.flatMap(({ words }) => words["not-run"] ?? []);
  expect(reasons.length).toBeGreaterThan(0);
  for (const reason of reasons) expect(reason).toMatch(/^(needs|fetches) .+; .*run/);
});

test("a host that is well writes the four lines of section 5", { timeout: 180_000 }, async () => {
  await using home = await openWhatsAppHome();
  const { server } = home;
  const me = server.phone;
  await server.send(me, me, "are you there?");
  await home.texts(me, 1);
  await home.quiet();
  const lines = home.log().split("\n");
  for (const event of ["Scheduler loop started", "Connected to WhatsApp", "Message sent"]) {
    expect(lines).toContainEqual(expect.stringContaining(`"msg":"${event}"`));
  }
  expect(lines).toContainEqual(expect.stringMatching(/"runtime":"host","msg":"Spawning agent process"/));
});
