import { parseFolder } from "../domain/ids.ts";

/** A WhatsApp group that the linked account is in. */
export interface Listed {
  jid: string;
  name: string;
  /** The group of ours that it belongs to. */
  folder: string | null;
}

export type Found = { ok: true; group: Listed } | { ok: false; problem: string };

/** The group that somebody means by a name or an id. */
export function findGroup(list: readonly Listed[], wanted: string): Found {
  const byId = list.find(({ jid }) => jid === wanted);
  if (byId) return { ok: true, group: byId };
  const plain = (text: string) => text.normalize("NFC").trim().toLowerCase();
  const exact = list.filter(({ name }) => name === wanted);
  const found = exact.length > 0 ? exact : list.filter(({ name }) => plain(name) === plain(wanted));
  const [group, other] = found;
  if (!group) {
    const names = list.map(({ name }) => JSON.stringify(name)).join(", ") || "none";
    return { ok: false, problem: `there is no group ${JSON.stringify(wanted)}; the account is in: ${names}` };
  }
  if (!other) return { ok: true, group };
  const ids = found.map(({ jid }) => jid).join(", ");
  return {
    ok: false,
    problem: `${found.length} groups are called ${JSON.stringify(wanted)}; name one by its id: ${ids}`,
  };
}

/** A folder of that name that nobody has. */
export function folderFor(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 36)
    .replaceAll(/^-+|-+$/g, "");
  const base = plain === "" ? "group" : plain;
  for (let count = 1; ; count += 1) {
    const folder = count === 1 ? base : `${base}-${count}`;
    if (parseFolder(folder).ok && !taken.includes(folder)) return folder;
  }
}
