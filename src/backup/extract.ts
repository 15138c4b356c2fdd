import { chmodSync, lchownSync, lutimesSync, mkdirSync, symlinkSync, utimesSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Place } from "./entry-name.ts";
import { assertRoom } from "./free-space.ts";
import { isPrivate } from "./places.ts";
import type { Sink } from "./read-backup.ts";
import type { Entry } from "./tar-blocks.ts";

export interface Extraction {
  sink: Sink;
  /** When the archive proved whole: links, and rights and times, from the leaves to the root. */
  finish(): void;
}

export const EXTRACTED_HOME = "home";
export const EXTRACTED_ALLOWLIST = "mount-allowlist.json";

/** Writes an archive into a folder of our own that was empty. Nothing is written through a link. */
export function extractTo(folder: string): Extraction {
  const home = join(folder, EXTRACTED_HOME);
  const later: (() => void)[] = [];
  const at = (place: Place) => (place.kind === "state" ? join(home, place.path) : join(folder, EXTRACTED_ALLOWLIST));
  const isRoot = process.getuid?.() === 0;
  const settle = (path: string, place: Place, entry: Entry) => {
    const mode = place.kind === "state" && !isPrivate(place.path) ? entry.mode : entry.mode & 0o700;
    // Groups' files may be a container's user's.
    if (isRoot) lchownSync(path, entry.uid, entry.gid);
    chmodSync(path, mode);
    utimesSync(path, entry.mtime, entry.mtime);
  };
  mkdirSync(home, { mode: 0o700 });
  const sink: Sink = {
    begin: ({ bytes }) => assertRoom(folder, bytes, "what is restored"),
    folder: (place, entry) => {
      mkdirSync(at(place), { recursive: true, mode: 0o700 });
      later.push(() => settle(at(place), place, entry));
      return Promise.resolve();
    },
    link: (place, entry) => {
      later.push(() => {
        symlinkSync(entry.target ?? "", at(place));
        if (isRoot) lchownSync(at(place), entry.uid, entry.gid);
        lutimesSync(at(place), entry.mtime, entry.mtime);
      });
      return Promise.resolve();
    },
    file: async (place, entry, content) => {
      mkdirSync(dirname(at(place)), { recursive: true, mode: 0o700 });
      await using file = await open(at(place), "wx", 0o600);
      for await (const chunk of content) await file.writeFile(chunk);
      await file.datasync();
      later.push(() => settle(at(place), place, entry));
    },
  };
  return {
    sink,
    finish: () => {
      for (const step of later.toReversed()) step();
    },
  };
}
