import fc from "fast-check";
import { expect, test } from "vitest";
import { plainName, safeName } from "./safe-name.ts";

const names: [string, string, string, string][] = [
  ["keeps a plain name", "Plan 2026 (final).pdf", "application/pdf", "7-Plan 2026 (final).pdf"],
  ["keeps other scripts", "Größe 小助.docx", "application/pdf", "7-Größe 小助.docx"],
  ["takes the type's extension where there is none", "photo", "image/jpeg", "7-photo.jpg"],
  ["and where it is not plain", "a.p~df", "audio/ogg; codecs=opus", "7-a.p_df.ogg"],
  ["names what has no name", "", "video/mp4", "7.mp4"],
  ["takes an unknown type for bytes", "", "application/x-strange", "7.bin"],
  ["is not fooled by names of objects' own fields", "", "constructor", "7.bin"],
  ["leads nowhere", "../../etc/passwd", "text/plain", "7-etc_passwd.txt"],
  ["leads nowhere on Windows", "C:\\..\\..\\x.txt", "text/plain", "7-C__.._.._x.txt"],
  ["does not hide", ".bashrc", "text/plain", "7-bashrc.txt"],
  ["is nothing but dots", "...", "text/plain", "7.txt"],
  ["does not read backwards", "photo\u{202E}gpj.exe", "image/jpeg", "7-photogpj.exe"],
  ["is one line", "a\r\nb\0c\u{2028}d\u{1B}[31m.txt", "text/plain", "7-a bc d_31m.txt"],
  ["means nothing to a shell", "$(rm -rf ~);`x`&'\".sh", "text/plain", "7-(rm -rf _)__x.sh"],
  ["has no device's name", "CON.txt", "text/plain", "7-CON.txt"],
  ["does not end in dots or blanks", "a. . .pdf", "application/pdf", "7-a.pdf"],
  ["has no half characters", "a\ud800.txt", "text/plain", "7-a.txt"],
];
test.each(names)("a received file's name %s", (_what, claimed, mime, expected) => {
  expect(safeName(claimed, mime, "7")).toBe(expected);
});

test("a name of 10,000 characters keeps its extension and whole characters", () => {
  const name = safeName(`${"é".repeat(10_000)}.pdf`, "application/pdf", "7");
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120);
  expect(name).toMatch(/^7-é{50,}\.pdf$/);
});

test("no stem leads anywhere, however long", () => {
  expect(safeName("a.txt", "", "../x")).toBe("___x-a.txt");
  expect(safeName("a.txt", "", "")).toBe("file-a.txt");
  expect(Buffer.byteLength(safeName("é".repeat(200), "text/plain", "x".repeat(1_000)))).toBeLessThanOrEqual(120);
});

test("whatever is claimed, the name is one short visible part of a path", () => {
  const claims = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(claims, fc.string(), fc.string(), (claimed, mime, stem) => {
      const name = safeName(claimed, mime, stem);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120);
      expect(name).toMatch(/^[A-Za-z0-9_-][^/\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*\.[A-Za-z0-9]{1,10}$/u);
      expect(Buffer.byteLength(plainName(claimed))).toBeLessThanOrEqual(120);
      expect(plainName(plainName(claimed))).toBe(plainName(claimed));
    }),
  );
});
