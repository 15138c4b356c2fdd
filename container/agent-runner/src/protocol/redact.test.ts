import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactingStream, createRedactor } from "./redact.ts";

const secrets = { KIRO_API_KEY: "ksk_0123456789abcdef", TOKEN: "ey+/JhbGciOi$&" };

test("a value is replaced by its name wherever it stands", () => {
  const redact = createRedactor(secrets);
  expect(redact("a ksk_0123456789abcdef,ksk_0123456789abcdef and ey+/JhbGciOi$&.")).toEqual({
    text: "a [removed: KIRO_API_KEY],[removed: KIRO_API_KEY] and [removed: TOKEN].",
    hits: ["KIRO_API_KEY", "TOKEN"],
  });
  expect(redact("nothing here")).toEqual({ text: "nothing here", hits: [] });
});

test("a value is found in base64 at any offset, with both alphabets", () => {
  const redact = createRedactor(secrets);
  for (const value of Object.values(secrets)) {
    for (const text of [value, `x${value}`, `xy${value}\n`, `KIRO_API_KEY=${value}\nHOME=/`]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const encoded = Buffer.from(text).toString(encoding);
        const { text: clean, hits } = redact(`<${encoded}>`);
        expect(hits).toHaveLength(1);
        // What is left at the ends stands for less than one byte of the value on each side.
        const left = clean.replace(/\[removed: \w+\]/, "");
        expect(left.length).toBeLessThanOrEqual(encoded.length - Math.floor((value.length * 4) / 3) + 4);
      }
    }
  }
});

test("a base64 of the value alone goes with its padding", () => {
  const redact = createRedactor(secrets);
  expect(redact(Buffer.from(secrets.KIRO_API_KEY).toString("base64")).text).toBe("[removed: KIRO_API_KEY]");
});

test("short values are no secrets, and no secrets change nothing", () => {
  expect(createRedactor({ SHORT: "1234567", EMPTY: "" })("1234567")).toEqual({ text: "1234567", hits: [] });
  expect(createRedactingStream({}).push("abc")).toEqual({ text: "abc", hits: [] });
});

test("a secret that contains another one is replaced whole", () => {
  expect(createRedactor({ A: "12345678", B: "0012345678" })("0012345678").text).toBe("[removed: B]");
});

test("a stream of pieces becomes what the whole becomes, wherever it is cut", () => {
  const tricky = { ...secrets, HEAD: "abcdefgh", TAIL: "ghijklmno", LONG: "abcdefghijklmnopq" };
  const word = fc.oneof(
    fc.constantFrom(...Object.values(tricky)),
    fc.constantFrom(...Object.values(tricky).map((value) => Buffer.from(`${value}!`).toString("base64"))),
    fc.constantFrom("ksk_", "ksk_0123", "abcdef", "gh", "ghijkl", "\n"),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.array(fc.nat(40), { maxLength: 20 }), (words, cuts) => {
      const whole = words.join("");
      const stream = createRedactingStream(tricky);
      let shown = "";
      let at = 0;
      for (const cut of [...cuts, whole.length]) {
        shown += stream.push(whole.slice(at, at + cut)).text;
        at += cut;
      }
      shown += stream.end().text;
      expect(shown).toBe(createRedactor(tricky)(whole).text);
    }),
    { numRuns: 500 },
  );
});

test("text without the beginning of a secret is not held up", () => {
  const stream = createRedactingStream(secrets);
  expect(stream.push("hello ").text).toBe("hello ");
  expect(stream.push("ksk_01").text).toBe("");
  expect(stream.push("99").text).toBe("ksk_0199");
});
