import type { FrameBody } from "@nanoclaw/agent-runner/protocol";
import { describe, expect, test } from "vitest";
import { createFrameReader } from "./frame-reader.ts";

const TOKEN = "0123456789abcdef";
const READY = '{"type":"ready","protocol":1}\n';
const said = (text: string): FrameBody => ({ type: "text", text });
const line = (n: number, body: FrameBody, token = TOKEN) => `${JSON.stringify({ token, n, body })}\n`;

function readerOf(maxBytes = 1024 * 1024) {
  const seen: unknown[] = [];
  const reader = createFrameReader({
    token: TOKEN,
    maxBytes,
    onReady: ({ protocol }) => seen.push(`ready ${protocol}`),
    onFrame: (body) => seen.push(body.type === "text" ? body.text : body.type),
    onTooMuch: () => seen.push("too much"),
  });
  return { seen, source: reader.source };
}

describe("frame reader", () => {
  test("takes the numbers in order, each once, from however many sources", () => {
    const { seen, source } = readerOf();
    const [stdout, journal] = [source(), source()];
    const lines = ["one", "two", "three", "four"].map((text, index) => line(index + 1, said(text)));
    journal(Buffer.from(lines[0] as string));
    stdout(Buffer.from(`${lines[0]}${lines[1]}${lines[2]}`));
    journal(Buffer.from(lines.slice(1).join("")));
    stdout(Buffer.from(lines[3] as string));
    expect(seen).toEqual(["one", "two", "three", "four"]);
  });

  test("takes nothing out of turn, of another token or of another form", () => {
    const { seen, source } = readerOf();
    const feed = source();
    const noise = [
      line(2, said("too early")),
      line(0, said("no number")),
      line(1, said("another's"), "fedcba9876543210"),
      line(1, said("more")).replace('"text":', '"extra":true,"text":'),
      ` ${line(1, said("not at the start"))}`,
      line(1, said("cut")).slice(0, -3) + "\n",
      '{"token":\n{}\nnull\n\n',
    ];
    feed(Buffer.from(noise.join("")));
    expect(seen).toEqual([]);
    feed(Buffer.from(line(1, said("one"))));
    expect(seen).toEqual(["one"]);
  });

  test("hears ready once, and not out of a quote", () => {
    const { seen, source } = readerOf();
    const feed = source();
    feed(Buffer.from(`said: ${READY}${READY}${READY}`));
    source()(Buffer.from('{"type":"ready","protocol":2}\n'));
    expect(seen).toEqual(["ready 1"]);
  });

  test("an answer may quote frames and ready lines", () => {
    const { seen, source } = readerOf();
    const quote = `look:\n${line(2, said("no"))}${READY}`;
    source()(Buffer.from(line(1, said(quote)) + line(2, said("yes"))));
    expect(seen).toEqual([quote, "yes"]);
  });

  test.each([1, 2, 3, 5, 7])("chunks of %i bytes cut neither letters nor lines", (size) => {
    const { seen, source } = readerOf();
    const feed = source();
    const bytes = Buffer.from(line(1, said("Zoë 你好 🎂")) + "a line of noise\n" + line(2, said("\u2028")));
    for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size));
    expect(seen).toEqual(["Zoë 你好 🎂", "\u2028"]);
  });

  test("half a letter of one source does not touch another's", () => {
    const { seen, source } = readerOf();
    const [stdout, journal] = [source(), source()];
    const bytes = Buffer.from(line(1, said("🎂")));
    const cut = bytes.indexOf(Buffer.from("🎂")) + 2;
    stdout(bytes.subarray(0, cut));
    journal(bytes);
    stdout(bytes.subarray(cut));
    stdout(Buffer.from(line(2, said("two"))));
    expect(seen).toEqual(["🎂", "two"]);
  });

  test("binary is noise, and a frame after it is none the worse", () => {
    const { seen, source } = readerOf();
    const binary = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7) % 256));
    source()(Buffer.concat([binary, Buffer.from("\n"), Buffer.from(line(1, said("one")))]));
    expect(seen).toEqual(["one"]);
  });

  test("takes what the cap allows of each source, and not a byte more", () => {
    const first = Buffer.from(line(1, said("one")));
    const { seen, source } = readerOf(first.length);
    const [stdout, journal] = [source(), source()];
    expect(stdout(first)).toBe(true);
    expect(stdout(Buffer.from("\n"))).toBe(false);
    expect(journal(first)).toBe(true);
    expect(seen).toEqual(["one", "too much"]);
  });

  test("a line of many megabytes in small chunks costs no more than its length", () => {
    const { seen, source } = readerOf(64 * 1024 * 1024);
    const feed = source();
    const chunk = Buffer.alloc(1024, "x");
    // 32 MiB; looking through the line anew at every chunk would take hours.
    for (let n = 0; n < 32 * 1024; n += 1) feed(chunk);
    feed(Buffer.from(`\n${line(1, said("one"))}`));
    expect(seen).toEqual(["one"]);
  });
});
