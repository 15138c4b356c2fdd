import { MAIN, parseFolder, type Folder } from "../domain/ids.ts";

/**
 * A folder name that our rule allows, as close to the old one as can be, and nobody else's. Never
 * `main`, which gives rights that the old group did not have.
 */
export function nameFolder(old: string, taken: ReadonlySet<string>): Folder {
  const plain = old
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .replace(/-+$/, "");
  const base = plain.slice(0, 36) || "group";
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    const folder = parseFolder(name);
    if (folder.ok && folder.value !== MAIN && !taken.has(folder.value)) return folder.value;
  }
}
