import mime from "mime";
import { cutAtCharacter } from "./prompt.ts";

/** Longest name in UTF-16 units: at most 240 bytes, which every file system takes. */
const LONGEST = 80;

/**
 * A name that somebody made up, as one that any file system and any phone takes: no way to another
 * folder, nothing invisible that makes it look like another name. What is left of it, at worst "file".
 */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).at(-1) ?? "";
  const visible = last
    .replace(/[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu, "")
    .replace(/[<>:"|?*\ufffd]/g, "_")
    .replace(/\s+/g, " ")
    .normalize("NFC");
  return trimmed(shortened(trimmed(visible))) || "file";
}

const trimmed = (name: string): string => name.replace(/^[. ]+|[. ]+$/g, "");

function shortened(name: string): string {
  if (name.length <= LONGEST) return name;
  const extension = /.(\.[^.\s]{1,15})$/.exec(name)?.[1] ?? "";
  return (
    cutAtCharacter(name.slice(0, name.length - extension.length), LONGEST - extension.length).trimEnd() + extension
  );
}

/** By its name alone: what the receiver's phone will take it for. */
export const mimeOf = (name: string): string => mime.getType(name) ?? "application/octet-stream";
