import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeQR } from "qr";
import { qrText } from "../../src/cli/qr-code.ts";
import { repository } from "./clone.ts";
import { saysAsShown } from "./compare-output.ts";
import { openPage, stepsOf } from "./page.ts";
import { scan } from "./phone.ts";
import { readPage } from "./read-page.ts";
import { splitCommands } from "./split-commands.ts";

const page = (...blocks: string[]): string => blocks.map((block) => `Words.\n\n${block}\n`).join("\n");
const fence = (info: string, ...lines: string[]): string => ["```" + info, ...lines, "```"].join("\n");

/** Works through a page; to the commands with which something is wrong, and what. */
async function wrongOn(...blocks: string[]): Promise<Record<string, string>> {
  const steps = stepsOf("page.md", page(...blocks));
  await using opened = await openPage(steps, { limitMs: 20_000 });
  const wrong: Record<string, string> = {};
  for (const step of steps) {
    const problem = await opened.run(step);
    if (problem !== undefined) wrong[step.name] = problem;
  }
  for (const problem of await opened.end()) wrong["at the end"] = problem;
  return wrong;
}

describe.concurrent("a page that is worked through", { timeout: 60_000 }, () => {
  it("fails with the command that fails, by its place, and goes on after it", async () => {
    expect(await wrongOn(fence("sh", "true", "echo oh; false", "true"), fence("sh", "ls nothing-here"))).toEqual({
      "page.md:5: echo oh; false": "it exits with 1, not 0, and says:\noh\n",
      "page.md:12: ls nothing-here": expect.stringContaining("nothing-here"),
    });
  });

  it("may say that its last command fails, and must be right about it", async () => {
    expect(await wrongOn(fence("sh exits=3", "(exit 3)"))).toEqual({});
    expect(Object.keys(await wrongOn(fence("sh exits=3", "true")))).toEqual(["page.md:4: true"]);
  });

  it("fails when the output is another one than it shows", async () => {
    const commands = fence("sh", "echo one; echo two", "echo three 3");
    expect(await wrongOn(commands, fence("text output", "one", "…", "three <n>"))).toEqual({});
    expect(await wrongOn(commands, fence("text output", "one", "three <n>"))).toEqual({
      "page.md:5: echo three 3": "it does not say what the page shows, but:\none\ntwo\nthree 3\n",
    });
  });

  it("runs in a clone and a home of its own, in one shell", async () => {
    const name = `written-by-a-page-${process.pid}`;
    expect(
      await wrongOn(
        fence("sh", `echo 'LOG_LEVEL=debug' >> .env; touch ${name} ~/${name}`, "cd docs; A=b"),
        fence("sh", `[ "$A" = b ] && [ -e ../.env ] && [ -e ../${name} ] && [ -x ../bin/nanoclaw ]`),
      ),
    ).toEqual({});
    expect([join(repository, name), join(process.env["HOME"] ?? "/", name)].filter((path) => existsSync(path))).toEqual(
      [],
    );
  });

  it("never runs what would change the packages", async () => {
    expect(await wrongOn(fence("sh exits=64", "npm ci"), fence("sh exits=64", "npm install left-pad"))).toEqual({});
  });

  it("fails where npm would keep a flag for itself", async () => {
    const wrong = await wrongOn(fence("sh", "npm run nanoclaw --version"), fence("sh", "npm run nanoclaw -- --help"));
    expect(Object.keys(wrong)).toEqual(["page.md:4: npm run nanoclaw --version"]);
  });

  it("starts what stays, talks to it, and ends it with the page", async () => {
    expect(
      await wrongOn(
        fence("sh background", "npm start"),
        fence("sh", "npm run nanoclaw -- chat help > said && grep offline said"),
      ),
    ).toEqual({});
  });

  it("says what it waited for when a command does not end", async () => {
    const steps = stepsOf("page.md", page(fence("sh", "echo begun; sleep 100")));
    await using opened = await openPage(steps, { limitMs: 1_000 });
    expect(await opened.run(steps[0] ?? expect.fail())).toContain("(nothing more within 1 s)\nbegun");
  });
});

describe("a block", () => {
  it.each([
    ["", "no language"],
    ["cobol", 'the language "cobol"'],
    ["sh notrun", '"notrun" says nothing after sh'],
    ["sh not-run", "not-run needs a reason"],
    ["sh output", '"output" says nothing after sh'],
    ["text background", '"background" says nothing after text'],
  ])("that begins with ```%s is refused", (info, reason) => {
    expect(() => readPage("page.md", page(fence(info, "words")))).toThrow(`page.md:3: `);
    expect(() => readPage("page.md", page(fence(info, "words")))).toThrow(reason);
  });

  it("is not run where it says why", () => {
    expect(stepsOf("page.md", page(fence('sh not-run="needs a phone"', "false"), fence("json", "{}")))).toEqual([]);
  });

  it("is read to its end, and must have one", () => {
    expect(readPage("page.md", "- item\n\n  ````sh\n  echo '```'\n  ````\n")).toEqual([
      { line: 3, language: "sh", words: {}, text: "echo '```'" },
    ]);
    expect(() => readPage("page.md", "```sh\necho\n")).toThrow("page.md:1: this block is never closed");
  });

  it("is split into commands with all of their lines", () => {
    const block = "# first\na \\\n  b # c\nif x; then\n  y\nfi\n\ncat <<END >f\nif\nEND\nd <id> | e";
    expect(splitCommands(block)).toEqual([
      { line: 1, text: "a \\\n  b # c" },
      { line: 3, text: "if x; then\n  y\nfi" },
      { line: 7, text: "cat <<END >f\nif\nEND" },
      { line: 10, text: "d <id> | e" },
    ]);
  });
});

it("output is compared loosely: any words for …, any lines for … alone, some for <…>", () => {
  expect(saysAsShown("Linked as <you>.\n…\nend …", "Linked  as +49.\nmore\n\nmore\nend of it\n")).toBe(true);
  expect(saysAsShown("Linked as <you>.", "Linked as .")).toBe(false);
  expect(saysAsShown("a\nb", "a\nb\nc")).toBe(false);
  expect(saysAsShown("a.b", "axb")).toBe(false);
});

it("a phone reads what a terminal draws", () => {
  expect(encodeQR("x", "raw").length).toBeGreaterThan(20);
  const text = `2@${"aB3/+".repeat(40)},key=,other=`;
  expect(scan(qrText(text, { colours: false }).lines.join("\n"))).toBe(text);
});
