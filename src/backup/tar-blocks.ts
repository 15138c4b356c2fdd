import { Header, Pax, type HeaderData } from "tar";
import { decodeName, encodeName } from "./entry-name.ts";

export const BLOCK_BYTES = 512;

/** What an archive says of one entry; its content, if any, follows. */
export interface Entry {
  /** As the archive has it: see `encodeName`. */
  name: string;
  type: "file" | "folder" | "link";
  /** Bits of the rights alone. */
  mode: number;
  uid: number;
  gid: number;
  /** Whole seconds. */
  mtime: number;
  /** Of a file, in bytes. */
  size: number;
  /** Of a link. */
  target?: string;
}

const kinds = { file: "File", folder: "Directory", link: "SymbolicLink" } as const;
const LATEST_S = 2 ** 33 - 1;

/** The blocks before an entry's content. */
export function headerOf({ name, type, mode, uid, gid, mtime, size, target }: Entry): Buffer {
  const data: HeaderData = {
    ...{ path: name, mode: mode & 0o777, uid, gid, size, type: kinds[type] },
    // What an agent set it to.
    mtime: new Date(Math.min(LATEST_S, Math.max(0, Math.floor(mtime))) * 1000),
    ...(target === undefined ? {} : { linkpath: encodeName(target) }),
  };
  const header = new Header(data);
  const isLong = header.encode();
  const block = header.block ?? Buffer.alloc(BLOCK_BYTES);
  if (!isLong) return block;
  const { linkpath } = data;
  const attributes = { path: name, size, ...(linkpath === undefined ? {} : { linkpath }) };
  return Buffer.concat([new Pax(attributes).encode(), block]);
}

export const padding = (size: number): Buffer => Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);

/** Two empty blocks end an archive. */
export const END = Buffer.alloc(2 * BLOCK_BYTES);

/** What an `x` block brings, for the entry after it. */
export type Attributes = Pick<HeaderData, "path" | "linkpath" | "size">;

export type Parsed =
  | { kind: "entry"; entry: Entry }
  /** Attributes of the next entry, so many bytes of them. */
  | { kind: "attributes"; size: number }
  | { kind: "end" }
  | { kind: "damaged"; why: string };

/** Stricter than tar programs are: what we do not write is not read. */
export function parseHeader(block: Buffer, attributes: Attributes | undefined): Parsed {
  const header = new Header(block, 0, attributes);
  if (header.nullBlock) return { kind: "end" };
  if (!header.cksumValid) return { kind: "damaged", why: "a header is damaged" };
  const size = header.size ?? 0;
  if (header.type === "ExtendedHeader" && attributes === undefined) return { kind: "attributes", size };
  // The header's own path and target are cut off where there are attributes.
  const name = attributes?.path ?? header.path ?? "";
  const found = Object.entries(kinds).find(([, kind]) => kind === header.type);
  if (!found) return { kind: "damaged", why: `${show(name)} is no file, folder or symbolic link (${header.type})` };
  const type = found[0] as Entry["type"];
  if (type !== "file" && size > 0) return { kind: "damaged", why: `${show(name)} has content, and is no file` };
  const target = decodeName(attributes?.linkpath ?? header.linkpath ?? "");
  return { kind: "entry", entry: { name, type, size, ...rightsOf(header), ...(type === "link" ? { target } : {}) } };
}

const rightsOf = ({ mode = 0, uid = 0, gid = 0, mtime }: Header) => ({
  ...{ mode: mode & 0o777, uid, gid },
  mtime: (mtime?.getTime() ?? 0) / 1000,
});

export const parseAttributes = (content: Buffer): Attributes => Pax.parse(content.toString("utf8"));

/** For a message: names in a damaged archive are anything. */
export const show = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
