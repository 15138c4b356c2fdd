import { stripVTControlCharacters } from "node:util";
import { inflateSync } from "node:zlib";
import decodeQR from "qr/decode.js";
import { expect, test } from "vitest";
import { parseNumber } from "./auth.ts";
import { qrPicture, qrText } from "./qr-code.ts";

test.each(["+49 152 0000-0001", "0049 (152) 00000001", "4915200000001", " +49.152/00000001 "])(
  "the number %j is taken as WhatsApp names it",
  (text) => expect(parseNumber(text)).toBe("4915200000001"),
);

test.each([
  ["0152 00000001", "lacks the country code"],
  ["", "digits"],
  ["+49 CALL ME", "digits"],
  ["12345", "digits"],
  ["1".repeat(16), "digits"],
])("the number %j is refused with its reason", (text, reason) => {
  expect(() => parseNumber(text)).toThrow(reason);
});

const code = `https://wa.me/settings/linked_devices#${"2@abc/+=,".repeat(25)}1`;

test("the picture says what the code says", () => {
  const png = qrPicture(code);
  const side = png.readUInt32BE(16);
  const length = png.readUInt32BE(33);
  const pixels = inflateSync(png.subarray(41, 41 + length));
  const data = new Uint8Array(side * side * 4);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1)
      data.fill(pixels[y * (side + 1) + 1 + x] ?? 0, (y * side + x) * 4, (y * side + x) * 4 + 4);
  }
  expect(decodeQR({ width: side, height: side, data })).toBe(code);
});

test("with colours and without, the text shows the same modules", () => {
  const modules = (lines: string[], dark: boolean) =>
    lines.flatMap((line) => {
      const blocks = [...stripVTControlCharacters(line)];
      return ["█▀", "█▄"].map((drawn) => blocks.map((block) => drawn.includes(block) === dark).join(""));
    });
  const [plain, coloured] = [qrText(code, { colours: false }), qrText(code, { colours: true })];
  // The last half line is no module.
  expect(modules(plain.lines, false).slice(0, plain.width)).toEqual(
    modules(coloured.lines, true).slice(0, plain.width),
  );
  expect(plain.lines.every((line) => line.length === plain.width)).toBe(true);
});
