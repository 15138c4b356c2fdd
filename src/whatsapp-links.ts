import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LinkState, Links } from "./channels/whatsapp/links.ts";
import { openWhatsAppState, type OpenedState } from "./store/whatsapp-state.ts";

/** The link of this home, as the channel opens it. */
export function whatsAppLinks(folder: string): Links {
  return {
    open: () => {
      // Opening makes the folder; without a link there is nothing to make it for.
      if (!existsSync(join(folder, "state.db")) && !existsSync(join(folder, "creds.json"))) return { kind: "none" };
      try {
        return stateOf(openWhatsAppState(folder, "nanoclaw start"));
      } catch (error) {
        return { kind: "unusable", reason: (error as Error).message };
      }
    },
    stamp: () => ["state.db", "state.db-wal", "creds.json"].map((file) => stampOf(join(folder, file))).join(" "),
  };
}

function stateOf(opened: OpenedState): LinkState {
  if ("heldBy" in opened) {
    const { heldBy } = opened;
    return {
      kind: "held",
      by: heldBy ? `${heldBy.what} (process ${heldBy.pid})` : "a program that does not say who it is",
    };
  }
  const { state } = opened;
  const link = state.current();
  if (!link || link.refused) {
    state[Symbol.dispose]();
    return link ? { kind: "refused", account: link.account } : { kind: "none" };
  }
  return {
    kind: "open",
    link: {
      ...{ id: link.id, creds: link.creds, account: link.account },
      store: state.link(link.id),
      isInPlace: state.isInPlace,
      close: () => state[Symbol.dispose](),
    },
  };
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.mtimeMs}:${stat.size}` : "-";
}
