import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { CHECKSUMS, FORMAT, MANIFEST, type Checksums, type Written } from "./manifest.ts";
import { extractTo } from "./extract.ts";
import { noSink, readBackup } from "./read-backup.ts";
import { END, headerOf, padding, type Entry } from "./tar-blocks.ts";
import { tarEntry, textEntry, type Content } from "./write-tar.ts";

const root = mkdtempSync(join(tmpdir(), "nanoclaw-read-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const manifest = {
  ...{ format: FORMAT, product: "nanoclaw", version: "0.1.0", created: "2026-11-22T10:00:00.000Z", zone: "UTC" },
  ...{ hostRunning: false, withLogs: false, migrations: {}, bytes: 1000 },
};
const rights = { mode: 0o700, uid: 0, gid: 0, mtime: 1_700_000_000, size: 0 };
const folder = (name: string): Content => ({ entry: { ...rights, name, type: "folder" }, path: name });
const link = (name: string, target: string): Content => ({
  entry: { ...rights, name, type: "link", target },
  path: name,
});
const file = (name: string, text: string): Content => textEntry(name, text, 1_700_000_000);
const usual = (): Content[] => [folder("home/groups"), file("home/groups/a", "some text"), file("home/groups/b", "")];

interface Made {
  manifest?: object;
  content?: Content[];
  /** Changes the list at the end. */
  list?: (checksums: Checksums) => unknown;
  after?: Content[];
}

async function make(options: Made = {}): Promise<Buffer> {
  const parts: Buffer[] = [];
  const add = async (content: Content): Promise<Written> => {
    const bytes = tarEntry(content);
    for (;;) {
      const { done, value } = await bytes.next();
      if (done) return value;
      parts.push(value);
    }
  };
  await add(textEntry(MANIFEST, JSON.stringify({ ...manifest, ...options.manifest }), 1));
  const checksums: Checksums = { entries: [], leftOut: [], changed: [] };
  for (const content of options.content ?? usual()) checksums.entries.push(await add(content));
  await add(textEntry(CHECKSUMS, JSON.stringify(options.list?.(checksums) ?? checksums), 1));
  for (const content of options.after ?? []) await add(content);
  return Buffer.concat([...parts, END]);
}

let count = 0;
async function read(bytes: Buffer, sink = noSink) {
  count += 1;
  const path = join(root, `${count}.tar.gz`);
  writeFileSync(path, bytes);
  return readBackup(path, sink, new AbortController().signal);
}
const reading = async (made: Made) => read(gzipSync(await make(made)));

describe("an archive", () => {
  it("that is whole is told with all that it says of itself", async () => {
    const { manifest: found, checksums } = await reading({});
    expect(found).toEqual(manifest);
    expect(checksums.entries.map(({ path }) => path)).toEqual(["home/groups", "home/groups/a", "home/groups/b"]);
  });

  it("cut off anywhere is refused", async () => {
    const whole = gzipSync(await make());
    for (const length of [0, 1, 5, 11, 40, whole.length >> 1, whole.length - 9, whole.length - 8, whole.length - 1])
      await expect(read(whole.subarray(0, length)), `at ${length}`).rejects.toThrow(/cannot be used/);
    const tar = await make();
    for (const length of [0, 511, 512, 700, 1024, tar.length >> 1, tar.length - 1025, tar.length - 1024])
      await expect(read(gzipSync(tar.subarray(0, length))), `tar at ${length}`).rejects.toThrow(/cut off/);
  });

  it("in which one byte was changed is refused, or holds the same", async () => {
    const tar = await make();
    const whole = gzipSync(tar);
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const outcome = await read(changed).then(
        () => "whole",
        (error: Error) => error.message,
      );
      if (outcome === "whole") expect(gunzipSync(changed), `byte ${at}`).toEqual(tar);
      else expect(outcome, `byte ${at}`).toMatch(/cannot be used/);
    }
  });

  it("whose content was changed before it was packed is refused, with the name of what is damaged", async () => {
    const tar = await make();
    tar[tar.indexOf("some text")] = 0x53;
    await expect(read(gzipSync(tar))).rejects.toThrow('"home/groups/a" is damaged');
  });

  it("that is none is refused", async () => {
    await expect(read(Buffer.from("hello, I am a text"))).rejects.toThrow(/no \.tar\.gz/);
    await expect(read(gzipSync(Buffer.from("hello")))).rejects.toThrow(/cut off/);
    await expect(read(gzipSync(END))).rejects.toThrow(/no manifest/);
    await expect(read(gzipSync(Buffer.concat([...tarOf(file("x.txt", "1")), END])))).rejects.toThrow(/x\.txt/);
    await expect(readBackup(join(root, "none"), noSink, new AbortController().signal)).rejects.toThrow(/not there/);
    await expect(readBackup(root, noSink, new AbortController().signal)).rejects.toThrow(/folder/);
  });

  it.each<[string, Made, RegExp]>([
    ["of a newer format", { manifest: { format: 2, version: "9.0" } }, /newer NanoClaw \(9\.0\)/],
    ["with a migration we do not know", { manifest: { migrations: { "store/messages.db": ["999-x"] } } }, /newer/],
    ["of another product", { manifest: { product: "other" } }, /no backup of NanoClaw/],
    ["that leads outside", { content: [file("home/groups/../../x", "")] }, /leads outside/],
    ["with an absolute name", { content: [file("/tmp/x", "")] }, /does not belong|leads outside/],
    ["with a program of ours", { content: [file("home/src/cli/main.ts", "")] }, /does not belong/],
    [
      "that writes through a link",
      { content: [folder("home/groups"), link("home/groups/l", "/tmp"), file("home/groups/l/x", "")] },
      /not in it/,
    ],
    ["with a file in no folder", { content: [file("home/groups/main/x", "")] }, /not in it/],
    [
      "with a link where only the host writes",
      { content: [folder("home/store/auth"), link("home/store/auth/x", "y")] },
      /no link belongs/,
    ],
    ["with an entry twice", { content: [...usual(), file("home/groups/a", "other")] }, /twice/],
    [
      "without one that is listed",
      { list: (sums) => ({ ...sums, entries: [...sums.entries, { path: "home/groups/c", type: "folder" }] }) },
      /"home\/groups\/c" is missing/,
    ],
    [
      "with one that is not listed",
      { list: (sums) => ({ ...sums, entries: sums.entries.slice(1) }) },
      /not in its list/,
    ],
    ["with a list of another kind", { list: () => ({}) }, /list at its end is damaged/],
    ["with something after its end", { after: [file("home/groups/z", "")] }, /follows its end/],
  ])("%s is refused", async (_, made, why) => {
    await expect(reading(made)).rejects.toThrow(why);
  });

  it.each(["1", "3", "4", "6", "7", "L", "g"])("with an entry of tar's kind %s is refused", async (kind) => {
    const entry: Entry = { ...rights, name: "home/groups/x", type: "file" };
    const block = headerOf(entry);
    block.write(kind, 156);
    fixSum(block);
    const start = [...tarOf(file(MANIFEST, JSON.stringify(manifest)))];
    await expect(read(gzipSync(Buffer.concat([...start, block, END])))).rejects.toThrow(/no file, folder or symbolic/);
  });

  it("that is refused leaves nothing outside of the folder it is read into", async () => {
    const into = mkdtempSync(join(root, "into-"));
    const content = [folder("home/groups"), link("home/groups/l", root), file("home/groups/l/planted", "x")];
    await expect(read(gzipSync(await make({ content })), extractTo(into).sink)).rejects.toThrow(/not in it/);
    expect(readdirSync(root)).not.toContain("planted");
  });
});

/** As `tarEntry` has it, without waiting. */
function tarOf({ entry, bytes }: Content): Buffer[] {
  return [headerOf(entry), ...((bytes ?? []) as Buffer[]), padding(entry.size)];
}

function fixSum(block: Buffer): void {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

it("keeps what an archive says, byte for byte", async () => {
  const into = mkdtempSync(join(root, "into-"));
  const { sink, finish } = extractTo(into);
  await read(gzipSync(await make()), sink);
  finish();
  expect(readFileSync(join(into, "home/groups/a"), "utf8")).toBe("some text");
});
