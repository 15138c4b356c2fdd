import { Console } from "node:console";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { keepKeysOffConsole } from "./quiet-console.ts";

interface Library {
  closeSession(console: Console, session: object): void;
}

test("what libsignal says goes nowhere, everybody else's lines pass, however often it is asked for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-console-"));
  const said: string[] = [];
  const stream = new Writable({ write: (chunk, _, done) => done(void said.push(String(chunk))) });
  const console = new Console(stream, stream);
  keepKeysOffConsole(console);
  keepKeysOffConsole(console);
  const load = async (name: string): Promise<Library> => {
    const path = join(folder, "node_modules", name, "src");
    mkdirSync(path, { recursive: true });
    const program = `
      const deep = (console, session) => { console.info("Closing session:", session); console.warn("w"); console.error("e"); };
      export const closeSession = (console, session) => deep(console, session);`;
    writeFileSync(join(path, "session.mjs"), program);
    return (await import(pathToFileURL(join(path, "session.mjs")).href)) as Library;
  };
  try {
    (await load("libsignal")).closeSession(console, { privKey: "secret" });
    expect(said).toEqual([]);
    (await load("another")).closeSession(console, { a: 1 });
    expect(said).toEqual(["Closing session: { a: 1 }\n", "w\n", "e\n"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
