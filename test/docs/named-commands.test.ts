import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/main.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { repository } from "./clone.ts";
import { namedCommands, problemOf } from "./named-commands.ts";
import { stepsOf } from "./page.ts";
import { pages } from "./pages.ts";
import { readPage } from "./read-page.ts";

const program = createProgram({
  config: () => {
    throw new Error("nothing is run here");
  },
  env: {},
  stdin: process.stdin,
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  interrupted: new AbortController().signal,
} as unknown as Terminal);

describe("what the pages say", () => {
  it.each(pages())("$path has only blocks that are understood", ({ path, markdown }) => {
    expect(() => stepsOf(path, markdown)).not.toThrow();
  });

  it.each(pages())("$path names only commands and flags that there are", ({ path, markdown }) => {
    const wrong = namedCommands(path, markdown).flatMap((named) => {
      const problem = problemOf(program, named);
      return problem === undefined ? [] : [`${path}:${named.line}: ${problem}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each(pages())("$path links only to what there is", ({ path, markdown }) => {
    const links = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
    const wrong = links.filter((to) => !/^(https?|mailto):/.test(to) && !leadsSomewhere(path, markdown, to));
    expect(wrong).toEqual([]);
  });
});

function leadsSomewhere(path: string, markdown: string, link: string): boolean {
  const [file = "", heading] = link.split("#");
  const target = file === "" ? path : join(dirname(path), file);
  if (!existsSync(join(repository, target))) return false;
  if (heading === undefined) return true;
  const page = file === "" ? markdown : pages().find((one) => one.path === target)?.markdown;
  return headings(page ?? "").includes(heading);
}

/** As GitHub makes anchors of them. */
const headings = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, words = ""]) =>
    words
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );

describe("README", () => {
  const readme = pages().find(({ path }) => path === "README.md")?.markdown ?? "";

  it("opens with the two commands", () => {
    expect(readPage("README.md", readme)[0]?.text).toBe(
      "npm ci && npm start   # installs and runs it: type right there\nnpm ci && npm test    # installs and runs the tests",
    );
  });

  it("has every command in its table, and no other", () => {
    const [, , ...rows] = /^\| command .*\n(\|.*\n)+/m.exec(readme)?.[0].trim().split("\n") ?? [];
    const named = rows.flatMap((row) =>
      expand([...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)),
    );
    expect(named.sort()).toEqual(leaves(program).sort());
  });

  it("names every page", () => {
    const missing = pages().filter(({ path }) => path !== "README.md" && !readme.includes(`](${path})`));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });
});

/** `groups list`, `add` means groups list and groups add; a word in brackets is an argument. */
function expand(cells: string[]): string[] {
  const [first = ""] = cells[0]?.split(" ") ?? [];
  const isFamily = program.commands.some((one) => one.name() === first && one.commands.length > 0);
  const bare = cells.map((cell) => cell.replaceAll(/ (\[.*?\]|<.*?>)/g, ""));
  return bare.map((name, index) => (isFamily && index > 0 ? `${first} ${name}` : name));
}

function leaves(command: Command, before = ""): string[] {
  return command.commands.flatMap((one) => {
    const name = `${before}${one.name()}`;
    if (one.name() === "help") return [];
    return one.commands.length === 0 ? [name] : leaves(one, `${name} `);
  });
}

describe("docs/troubleshooting.md", () => {
  it("quotes only what the program says", () => {
    const quotes = [
      ...(pages().find(({ path }) => path.endsWith("troubleshooting.md"))?.markdown ?? "").matchAll(/^ *> (.+)$/gm),
    ];
    const said = sources();
    const missing = quotes.flatMap(([, quote = ""]) => quote.split("…").filter((part) => !said.includes(part.trim())));
    expect(quotes.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });
});

/** What stands in the sources, without the marks around and between strings. */
function sources(): string {
  const folders = ["src", "container/agent-runner/src", "bin"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  return files.map((file) => readFileSync(file, "utf8")).join("\n");
}

it("docs/dependencies.md has a line for every package", () => {
  const named = pages().find(({ path }) => path.endsWith("dependencies.md"))?.markdown ?? "";
  const manifests = ["package.json", "container/agent-runner/package.json"].map(
    (path) => JSON.parse(readFileSync(join(repository, path), "utf8")) as Record<string, Record<string, string>>,
  );
  const packages = manifests.flatMap((manifest) =>
    ["dependencies", "devDependencies", "optionalDependencies"].flatMap((kind) => Object.keys(manifest[kind] ?? {})),
  );
  expect(packages.filter((name) => !named.includes(`\`${name}\``))).toEqual([]);
});
