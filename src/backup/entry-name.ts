import { belongs, HOME, ALLOWLIST, isAgents } from "./places.ts";
import { CHECKSUMS, MANIFEST } from "./manifest.ts";

/** Where something of an archive goes. */
export type Place =
  | { kind: "manifest" }
  | { kind: "checksums" }
  | { kind: "allowlist" }
  /** Below the home. */
  | { kind: "state"; path: string };

/**
 * A path as the archive has it. Control characters, which tar's own attributes cannot hold, are written
 * as %0A; so are the percent sign and the backslash, which some programs take for a separator.
 */
export function encodeName(path: string): string {
  // eslint-disable-next-line no-control-regex -- these are what it is about
  return path.replace(/[\x00-\x1f\x7f%\\]/g, (found) => `%${hex(found.charCodeAt(0))}`);
}

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(2, "0");

export const decodeName = (name: string): string =>
  name.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));

/** A name's place, or why nothing of ours has such a name. */
export function placeOf(name: string, isLink: boolean): Place | { kind: "refused"; why: string } {
  if (name === MANIFEST) return { kind: "manifest" };
  if (name === CHECKSUMS) return { kind: "checksums" };
  if (name === ALLOWLIST) return { kind: "allowlist" };
  const path = decodeName(name);
  if (encodeName(path) !== name) return { kind: "refused", why: "it is not written as we write names" };
  const parts = path.split("/");
  if (path.includes("\0") || parts.some((part) => part === "" || part === "." || part === ".."))
    return { kind: "refused", why: "it leads outside" };
  const state = parts.slice(1).join("/");
  if (parts[0] !== HOME || !belongs(state)) return { kind: "refused", why: "it does not belong to a backup" };
  if (isLink && !isAgents(state)) return { kind: "refused", why: "no link belongs there" };
  return { kind: "state", path: state };
}
