import { encodeQR } from "qr";
import { crc32, deflateSync } from "node:zlib";

/** True is dark; with the light border that scanners need. */
type Modules = readonly (readonly boolean[])[];

const drawing = (text: string): Modules => encodeQR(text, "raw", { ecc: "low", border: 2 });

export interface QrText {
  /** Characters per line. */
  width: number;
  lines: string[];
}

/**
 * Two modules in each character. With colours, dark on light whatever the terminal's are; without,
 * light modules are drawn, which is right on a dark ground.
 */
export function qrText(text: string, { colours }: { colours: boolean }): QrText {
  const modules = drawing(text);
  const rows = modules.flatMap((upper, y) => (y % 2 === 0 ? [[upper, modules[y + 1] ?? []] as const] : []));
  const lines = rows.map(([upper, lower]) => {
    const line = upper.map((dark, x) => block(dark === colours, (lower[x] ?? false) === colours)).join("");
    return colours ? `\u001b[30;107m${line}\u001b[0m` : line;
  });
  return { width: modules.length, lines };
}

const block = (upper: boolean, lower: boolean): string => (upper ? (lower ? "█" : "▀") : lower ? "▄" : " ");

const SCALE = 8;

/** A PNG in shades of grey. */
export function qrPicture(text: string): Buffer {
  const modules = drawing(text);
  const side = modules.length * SCALE;
  const rows = modules.map((row) => {
    const line = Buffer.alloc(side + 1);
    row.forEach((dark, x) => line.fill(dark ? 0 : 255, 1 + x * SCALE, 1 + (x + 1) * SCALE));
    return Buffer.concat(Array<Buffer>(SCALE).fill(line));
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.writeUInt8(8, 8); // bits a pixel; the rest stays 0: grey, deflate, no filters, not interlaced
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(Buffer.concat(rows));
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
