import fc from "fast-check";
import { expect, test } from "vitest";
import { mimeOf, safeFileName } from "./file-name.ts";

test.each([
  ["plan.pdf", "plan.pdf"],
  ["Über uns – Ärger 👋.docx", "Über uns – Ärger 👋.docx"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\ann\\plan.pdf", "plan.pdf"],
  ["..", "file"],
  ["", "file"],
  [".ssh", "ssh"],
  ["a\0b\nc\u001b[31m.txt", "abc[31m.txt"],
  ["photo\u202egnp.exe", "photognp.exe"],
  ['a<b>:"|?*.txt', "a_b______.txt"],
  [" two   words .txt ", "two words .txt"],
  [`${"x".repeat(300)}.docx`, `${"x".repeat(75)}.docx`],
  [`${"x".repeat(79)}. and more`, "x".repeat(79)],
  [`${"👋".repeat(200)}`, "👋".repeat(40)],
])("%j becomes %j", (name, safe) => {
  expect(safeFileName(name)).toBe(safe);
});

test("whatever it was, it is one short name", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme", minLength: 70 })),
      (name) => {
        const safe = safeFileName(name);
        // eslint-disable-next-line no-control-regex
        expect(safe).not.toMatch(/[/\\\u0000-\u001f\u202e]/);
        expect(safe).not.toMatch(/^\.|^$/);
        expect(Buffer.byteLength(safe)).toBeLessThan(255);
        expect(safeFileName(safe)).toBe(safe);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ["a.pdf", "application/pdf"],
  ["a.JPG", "image/jpeg"],
  ["a.webp", "image/webp"],
  ["a.mp4", "video/mp4"],
  ["a.ogg", "audio/ogg"],
  ["a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["a.txt", "text/plain"],
  ["a", "application/octet-stream"],
  ["a.unheard-of", "application/octet-stream"],
])("%s is %s", (name, type) => {
  expect(mimeOf(name)).toBe(type);
});
