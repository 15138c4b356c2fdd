import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildBuffer } from "baileys";

/** Stanzas that come from the server itself say so exactly like this: the client compares it as text. */
export const SERVER = "@s.whatsapp.net";

type Content = BinaryNode["content"];

/** Attributes that are undefined are left out: the encoder would count them and not write them. */
export function element(tag: string, attrs: Record<string, string | undefined> = {}, content?: Content): BinaryNode {
  const given = Object.entries(attrs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { tag, attrs: Object.fromEntries(given), ...(content === undefined ? {} : { content }) };
}

export const children = (node: BinaryNode | undefined): BinaryNode[] =>
  Array.isArray(node?.content) ? node.content : [];

export const childrenOf = (node: BinaryNode | undefined, tag: string): BinaryNode[] =>
  children(node).filter((child) => child.tag === tag);

export const child = (node: BinaryNode | undefined, tag: string): BinaryNode | undefined =>
  getBinaryNodeChild(node, tag);

export function childBytes(node: BinaryNode | undefined, tag: string): Buffer {
  const bytes = getBinaryNodeChildBuffer(node, tag);
  if (!bytes) throw new Error(`<${node?.tag ?? "nothing"}> lacks the bytes of <${tag}>`);
  return Buffer.from(bytes);
}

export function contentBytes(node: BinaryNode | undefined): Buffer {
  if (!(node?.content instanceof Uint8Array)) throw new Error(`<${node?.tag ?? "nothing"}> has no bytes`);
  return Buffer.from(node.content);
}

export const result = (query: BinaryNode, content?: BinaryNode[]): BinaryNode =>
  element("iq", { id: query.attrs.id, type: "result", from: query.attrs.to ?? SERVER }, content);

export const queryError = (query: BinaryNode, code: number, text: string): BinaryNode =>
  element("iq", { id: query.attrs.id, type: "error", from: query.attrs.to ?? SERVER }, [
    element("error", { code: String(code), text }),
  ]);

export const bigEndian = (value: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
};
