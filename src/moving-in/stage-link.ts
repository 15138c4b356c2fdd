import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../home.ts";
import { StoreError } from "../store/database.ts";
import { hasLink } from "../store/fork-link.ts";
import { lockHome } from "../store/home-lock.ts";
import { copyTree } from "./copy-tree.ts";
import type { OldPaths } from "./old-home.ts";
import type { Renaming } from "./put-in-place.ts";

export interface StagedLink {
  renamings: Renaming[];
  /** For the report. */
  lines: string[];
}

const placeIn = ({ store }: Pick<Home, "store">): string => join(store, "auth.moving-in");

/** What an attempt had copied. */
export function dropLink(home: Pick<Home, "store">): void {
  const place = placeIn(home);
  for (const path of [place, `${place}.part`]) rmSync(path, { recursive: true, force: true });
}

/**
 * Copies the old link beside where it will be: half of one would log in and read nothing.
 * @param backup where this home's own folder goes when there is no link in it.
 */
export function stageLink(home: Pick<Home, "auth" | "store">, { auth }: OldPaths, backup: string): StagedLink {
  const none = (line: string): StagedLink => ({ renamings: [], lines: [line] });
  if (!existsSync(join(auth, "creds.json"))) {
    return none("No WhatsApp link lies there; link this machine with: npm run auth");
  }
  if (existsSync(join(home.auth, "creds.json")) || hasLink(join(home.auth, "state.db"))) {
    return none("This home's own WhatsApp link stays; the old one was not copied.");
  }
  dropLink(home);
  const staged = placeIn(home);
  copyTree({ from: auth, to: staged, workplace: `${staged}.part` });
  chmodSync(staged, 0o700);
  const own = { from: home.auth, to: join(backup, "auth") };
  return {
    renamings: [...(existsSync(home.auth) ? [own] : []), { from: staged, to: home.auth }],
    lines: [
      "The WhatsApp link. Never start the old system again: two programs with one link throw each other out (440).",
    ],
  };
}

/** Nobody links this home anew until this is disposed of. */
export function lockLink({ auth }: Pick<Home, "auth">): Disposable | undefined {
  if (!existsSync(auth)) return undefined;
  const locked = lockHome(auth, "nanoclaw move-in");
  if ("lock" in locked) return locked.lock;
  throw new StoreError("This home is being linked with WhatsApp just now. End that, and move in again.");
}
