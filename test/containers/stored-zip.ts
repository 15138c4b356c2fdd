import { crc32 } from "node:zlib";

/** A ZIP archive of executable files, without compression. */
export function storedZip(files: Record<string, string>): Buffer {
  const entries: { name: Buffer; content: Buffer; at: number }[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  const add = (...buffers: Buffer[]) => {
    parts.push(...buffers);
    at += buffers.reduce((bytes, { length }) => bytes + length, 0);
  };
  for (const [name, text] of Object.entries(files)) {
    const entry = { name: Buffer.from(name), content: Buffer.from(text), at };
    entries.push(entry);
    add(numbers([4, 0x04034b50], ...common(entry)), entry.name, entry.content);
  }
  const directory = at;
  for (const entry of entries) {
    const attributes = 0o100755 * 2 ** 16;
    const rest = [
      [2, 0],
      [2, 0],
      [2, 0],
      [4, attributes],
      [4, entry.at],
    ] as const;
    add(numbers([4, 0x02014b50], [2, 0x0314], ...common(entry), ...rest), entry.name);
  }
  const size = at - directory;
  const count = entries.length;
  add(numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, directory], [2, 0]));
  return Buffer.concat(parts);
}

type Field = readonly [bytes: 2 | 4, value: number];

const common = ({ name, content }: { name: Buffer; content: Buffer }): Field[] => [
  ...([
    [2, 20],
    [2, 0],
    [2, 0],
    [2, 0],
    [2, 0x21],
  ] as const),
  ...([
    [4, crc32(content)],
    [4, content.length],
    [4, content.length],
    [2, name.length],
    [2, 0],
  ] as const),
];

function numbers(...fields: Field[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const buffer = Buffer.alloc(bytes);
      if (bytes === 2) buffer.writeUInt16LE(value);
      else buffer.writeUInt32LE(value);
      return buffer;
    }),
  );
}
