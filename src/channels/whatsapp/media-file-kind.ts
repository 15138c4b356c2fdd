/** What a file's first bytes say it is, and what else it may truthfully be called. */
interface Signature {
  mime: string;
  at: readonly (readonly [offset: number, bytes: string])[];
  also?: RegExp;
}

const signatures: readonly Signature[] = [
  { mime: "image/jpeg", at: [[0, "\xff\xd8\xff"]], also: /^image\/p?jpg$/ },
  { mime: "image/png", at: [[0, "\x89PNG\r\n"]], also: /^image\/apng$/ },
  { mime: "image/gif", at: [[0, "GIF8"]] },
  {
    mime: "image/webp",
    at: [
      [0, "RIFF"],
      [8, "WEBP"],
    ],
  },
  {
    mime: "audio/wav",
    at: [
      [0, "RIFF"],
      [8, "WAVE"],
    ],
    also: /^audio\//,
  },
  { mime: "application/pdf", at: [[0, "%PDF-"]] },
  { mime: "audio/ogg", at: [[0, "OggS"]], also: /^(audio|video)\/|^application\/ogg$/ },
  { mime: "image/heic", at: [[4, "ftyphei"]], also: /^image\/hei[cf]/ },
  { mime: "image/heic", at: [[4, "ftypmif1"]], also: /^image\/(hei[cf]|avif)/ },
  { mime: "image/avif", at: [[4, "ftypavif"]] },
  { mime: "video/mp4", at: [[4, "ftyp"]], also: /^(audio|video)\// },
  { mime: "audio/mpeg", at: [[0, "ID3"]], also: /^audio\// },
  { mime: "application/zip", at: [[0, "PK\x03\x04"]], also: /^application\/(?!pdf$|gzip$)/ },
  { mime: "application/gzip", at: [[0, "\x1f\x8b"]], also: /^application\/(?!pdf$|zip$)/ },
  { mime: "application/x-elf", at: [[0, "\x7fELF"]], also: /^application\/(?!pdf$|zip$|gzip$|vnd\.)/ },
  { mime: "application/x-msdownload", at: [[0, "MZ\x90\0"]], also: /^application\/(?!pdf$|zip$|gzip$|vnd\.)/ },
  { mime: "text/html", at: [[0, "<!DOCTYPE html"]], also: /^text\/|^application\/xhtml/ },
  { mime: "text/html", at: [[0, "<html"]], also: /^text\/|^application\/xhtml/ },
];

/** Always begin with their signature: a file without one is none of them. */
const unmistakable = ["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "application/zip"];

/** That many bytes are enough to tell. */
export const HEAD_BYTES = 16;

/** Null: no kind that is known here. */
export const looksLike = (head: Uint8Array): string | null => signatureOf(head)?.mime ?? null;

/** For the agent: what the sender says the file is, and what its bytes say when that is something else. */
export function mimeInWords(claimed: string, seen: string | null): string {
  const type = claimed.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (seen === null) return unmistakable.includes(type) ? `claims ${claimed}, but is none` : claimed;
  if (type === seen || type === "application/octet-stream") return claimed;
  const known = signatures.filter(({ mime }) => mime === seen);
  return known.some(({ also }) => also?.test(type)) ? claimed : `claims ${claimed}, looks like ${seen}`;
}

function signatureOf(head: Uint8Array): Signature | undefined {
  const start = Buffer.from(head.subarray(0, HEAD_BYTES)).toString("latin1");
  return signatures.find(({ at }) => at.every(([offset, bytes]) => start.startsWith(bytes, offset)));
}
