import { fileExtension } from "./safe-name-extension.ts";

const LONGEST_NAME_BYTES = 120;
const LONGEST_STEM = 60;

/**
 * The name of a received file: `<stem>-<as the sender called it>.<extension>`. Nothing in it leads
 * out of a folder, hides or reverses text, or means something to a shell, to Windows or as an option.
 */
export function safeName(claimed: string, mime: string, stem: string): string {
  const start = safeStem(stem);
  const { base, extension = fileExtension(mime) } = splitName(clean(claimed));
  const middle = fitted(base, `${start}-.${extension}`);
  return `${middle === "" ? start : `${start}-${middle}`}.${extension}`;
}

/** What the sender calls it, for people to read. */
export function plainName(claimed: string): string {
  const { base, extension } = splitName(clean(claimed));
  const end = extension === undefined ? "" : `.${extension}`;
  return fitted(base, end) + end;
}

const fitted = (base: string, others: string): string =>
  cut(base, LONGEST_NAME_BYTES - others.length).replace(/[._ ]+$/, "");

export const safeStem = (stem: string): string => stem.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, LONGEST_STEM) || "file";

/** Control, bidirectional and other invisible characters, halves of characters, and what no font has. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const SPECIAL = /[/\\:*?"'`<>|$&;!#%{}[\]~^=]/g;
/** Nobody reads more of a name; its end has the extension. */
const READ = 2_000;

function clean(claimed: string): string {
  const ends = claimed.length > READ ? claimed.slice(0, READ / 2) + claimed.slice(-READ / 2) : claimed;
  return ends
    .normalize("NFC")
    .replace(/\s+/g, " ")
    .replace(UNSEEN, "")
    .replace(SPECIAL, "_")
    .replace(/^[._ -]+|[. ]+$/g, "");
}

function splitName(name: string): { base: string; extension: string | undefined } {
  const [, base = name, extension] = /^(.+)\.([A-Za-z0-9]{1,10})$/su.exec(name) ?? [];
  return { base, extension };
}

/** Whole characters only. */
function cut(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
