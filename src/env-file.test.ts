import fc from "fast-check";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changeEnv, EnvFileError, setEnv } from "./env-file.ts";

describe("the text of .env", () => {
  test("keeps comments, order, empty and unknown lines", () => {
    const text = "# mine\n\nTZ=Europe/Berlin # here\nwhat is this\nexport KIRO_MODEL=auto\nLOG_LEVEL=info\n";
    expect(changeEnv(text, { KIRO_MODEL: "claude", KIRO_API_KEY: "ksk_1" })).toBe(
      "# mine\n\nTZ=Europe/Berlin # here\nwhat is this\nKIRO_MODEL=claude\nLOG_LEVEL=info\nKIRO_API_KEY=ksk_1\n",
    );
  });

  test("takes a setting away wherever it stands, and only that", () => {
    expect(changeEnv("A=1\nB=2\nA=3\nAB=4\n", { A: null })).toBe("B=2\nAB=4\n");
    expect(changeEnv("B=2\n", { A: null })).toBe("B=2\n");
  });

  test("keeps the line ends of another system, and ends a last line without one", () => {
    expect(changeEnv("A=1\r\nB=2\r\n", { A: "3", C: "4" })).toBe("A=3\r\nB=2\r\nC=4\r\n");
    expect(changeEnv("A=1", { B: "2" })).toBe("A=1\nB=2\n");
  });

  test("replaces a value that goes over several lines as a whole", () => {
    expect(changeEnv('A="one\ntwo\nB=no"\nB=2\n', { A: "x" })).toBe("A=x\nB=2\n");
    expect(changeEnv('A="one\ntwo\nB=no"\nB=2\n', { B: "x" })).toBe('A="one\ntwo\nB=no"\nB=x\n');
  });

  test("quotes only what has to be quoted", () => {
    expect(changeEnv("", { A: "two words", B: 'a "quoted" #1', C: "https://x.y/z?=1", D: "" })).toBe(
      'A="two words"\nB=\'a "quoted" #1\'\nC="https://x.y/z?=1"\nD=\n',
    );
  });

  test("refuses what no quotes can keep, and a name that is none", () => {
    for (const value of ["a\rb", "\"'` #\n", "a\0b"]) {
      expect(() => changeEnv("A=1\n", { A: value })).toThrow(EnvFileError);
    }
    expect(() => changeEnv("", { "A B": "1" })).toThrow(EnvFileError);
  });

  const key = fc.constantFrom("A", "KIRO_API_KEY", "TZ", "B2");
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."ab1 =#\\n'\"`$\n\t-ä") }),
    fc.string({ unit: "grapheme" }),
  );
  const line = fc.oneof(
    fc.tuple(key, value).map(([name, text]) => `${name}=${text}`),
    fc.constantFrom("# note", "", "  ", "export X=1", "Y='z", 'Z="a', "no assignment", "\tW = v # c", "="),
  );
  const file = fc
    .array(line, { maxLength: 6 })
    .chain((lines) => fc.constantFrom("\n", "\r\n").map((end) => lines.join(end)));

  test("whatever stands in it, what Node reads afterwards is what was set, and nothing else changed", () => {
    fc.assert(
      fc.property(file, key, fc.option(value, { nil: null }), (text, name, wanted) => {
        let changed: string;
        try {
          changed = changeEnv(text, { [name]: wanted });
        } catch (error) {
          expect(error).toBeInstanceOf(EnvFileError);
          return;
        }
        const expected = { ...parseEnv(text) } as Record<string, string>;
        delete expected[name];
        if (wanted !== null) expected[name] = wanted;
        expect({ ...parseEnv(changed) }).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("an ordinary value is never refused in an ordinary file", () => {
    const ordinary = fc.string({ unit: fc.constantFrom(..."abcXYZ019 _-+/=.,:;!?@#$%&*()[]{}<>|~^'\""), minLength: 1 });
    fc.assert(
      fc.property(ordinary, (wanted) => {
        if (wanted.includes("'") && wanted.includes('"') && wanted.includes("`")) return;
        expect(parseEnv(changeEnv("TZ=UTC\n# end\n", { KIRO_API_KEY: wanted }))).toEqual({
          TZ: "UTC",
          KIRO_API_KEY: wanted,
        });
      }),
    );
  });
});

describe("the file .env", () => {
  let home: string;
  const env = (name = ".env") => readFileSync(join(home, name), "utf8");
  const modeOf = (name: string) => (statSync(join(home, name)).mode & 0o777).toString(8);
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "nanoclaw-env-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  test("is made for this user alone, and nothing else is left", () => {
    expect(setEnv(home, { KIRO_API_KEY: "ksk_1" })).toEqual({
      path: join(home, ".env"),
      isLinked: false,
      isChanged: true,
    });
    expect([env(), modeOf(".env"), readdirSync(home)]).toEqual(["KIRO_API_KEY=ksk_1\n", "600", [".env"]]);
  });

  test("that others could read is closed to them", () => {
    writeFileSync(join(home, ".env"), "A=1\n", { mode: 0o644 });
    chmodSync(join(home, ".env"), 0o644);
    expect(setEnv(home, { A: "1" }).isChanged).toBe(false);
    expect([env(), modeOf(".env")]).toEqual(["A=1\n", "600"]);
  });

  test("is not made to take something away", () => {
    expect(setEnv(home, { A: null }).isChanged).toBe(false);
    expect(readdirSync(home)).toEqual([]);
  });

  test("that is a link stays one: the file behind it is changed, and the caller is told", () => {
    mkdirSync(join(home, "dotfiles"));
    writeFileSync(join(home, "dotfiles", "nanoclaw.env"), "A=1\n");
    symlinkSync("dotfiles/nanoclaw.env", join(home, ".env"));
    const { path, isLinked } = setEnv(home, { B: "2" });
    expect([isLinked, path.endsWith("/dotfiles/nanoclaw.env")]).toEqual([true, true]);
    expect([env("dotfiles/nanoclaw.env"), lstatSync(join(home, ".env")).isSymbolicLink()]).toEqual([
      "A=1\nB=2\n",
      true,
    ]);
  });

  test("a link that leads nowhere, a folder and a file that is no text are refused by name, unchanged", () => {
    symlinkSync("gone/nanoclaw.env", join(home, ".env"));
    expect(() => setEnv(home, { A: "1" })).toThrow(/gone\/nanoclaw\.env cannot be changed/);
    rmSync(join(home, ".env"));
    mkdirSync(join(home, ".env"));
    expect(() => setEnv(home, { A: "1" })).toThrow(/\.env cannot be changed/);
    rmSync(join(home, ".env"), { recursive: true });
    const bytes = Buffer.from([0x41, 0x3d, 0xff, 0xfe, 0x0a]);
    writeFileSync(join(home, ".env"), bytes);
    expect(() => setEnv(home, { A: "1" })).toThrow(/no text file/);
    expect(readFileSync(join(home, ".env")).equals(bytes)).toBe(true);
    expect(readdirSync(home)).toEqual([".env"]);
  });
});
