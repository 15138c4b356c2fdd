import { chmodSync, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { homePaths } from "../home.ts";
import type { ChannelState } from "../main.ts";
import { openWhatsAppState } from "../store/whatsapp-state.ts";
import { named } from "./auth-words.ts";
import type { Check } from "./check.ts";
import type { HostStatus } from "./doctor-containers.ts";
import { needsLinking, whatsAppOf } from "./whatsapp-host.ts";

export interface WhatsAppQuestion {
  config: Config;
  status: HostStatus | undefined;
  /** Digits; null: nobody proved it. */
  provedOwner: string | null;
  /** Chats that were registered for another account. */
  heldChats: readonly string[];
}

const name = "whatsapp";
const relink = "npm run auth";

/** The link, its files, the owner. Connects to nothing: a second connection would throw the host's out. */
export function checkWhatsApp({ config, status, provedOwner, heldChats }: WhatsAppQuestion): Check[] {
  const channel = status?.running ? whatsAppOf(status.channels) : undefined;
  const isOff = status?.running ? channel === undefined : config.settings.NANOCLAW_WHATSAPP === "off";
  if (isOff) return [{ name, state: "note", detail: "switched off by NANOCLAW_WHATSAPP=off" }];
  // Opening the link makes its folder private again.
  const files = checkFiles(homePaths(config.home).auth);
  const link = channel ? ofHost(channel, config) : ofHome(config);
  if (link.kind === "none") return [link.check];
  return [link.check, ...files, checkOwner(config, provedOwner), ...checkHeld(heldChats)];
}

interface LinkCheck {
  kind: "none" | "linked";
  check: Check;
}

function ofHost(channel: ChannelState, config: Config): LinkCheck {
  const { connected, detail } = channel;
  if (connected)
    return { kind: "linked", check: { name, state: "ok", detail: `the running host is connected ${detail}` } };
  if (needsLinking(channel))
    return detail.startsWith("not linked") ? unlinked(config) : dead(detail.replace(/;.*/, ""));
  if (detail.startsWith("connecting")) {
    return { kind: "linked", check: { name, state: "note", detail: "the running host is connecting" } };
  }
  const cure = "the host tries by itself; npm run nanoclaw -- logs  says more";
  return { kind: "linked", check: { name, state: "wrong", detail: `not connected: ${detail}`, cure } };
}

function unlinked({ settings }: Config): LinkCheck {
  const isWanted = settings.NANOCLAW_WHATSAPP === "on";
  const detail = isWanted ? "not linked, but NANOCLAW_WHATSAPP=on" : "not linked; the local chat works";
  return { kind: "none", check: { name, state: isWanted ? "wrong" : "note", detail, cure: relink } };
}

const dead = (detail: string): LinkCheck => ({ kind: "linked", check: { name, state: "wrong", detail, cure: relink } });

/** With no host running. The link is opened for a moment only. */
function ofHome(config: Config): LinkCheck {
  const folder = homePaths(config.home).auth;
  if (!existsSync(join(folder, "state.db"))) return isMultiFile(folder) ? multiFile : unlinked(config);
  try {
    const opened = openWhatsAppState(folder, "nanoclaw doctor");
    if ("heldBy" in opened) {
      const { heldBy } = opened;
      const detail = `the link is in use by ${heldBy ? `${heldBy.what} (process ${heldBy.pid})` : "another program"}`;
      return { kind: "linked", check: { name, state: "note", detail } };
    }
    using state = opened.state;
    const link = state.current();
    if (!link) return unlinked(config);
    if (link.refused) return dead(`WhatsApp has unlinked this machine from ${named(link.account)}`);
    const detail = `linked as ${named(link.account)}; npm start connects, ${relink} tries whether it works`;
    return { kind: "linked", check: { name, state: "ok", detail } };
  } catch (error) {
    const cure = `as the message says; or link anew: mv store/auth store/auth.bak; ${relink}`;
    return { kind: "linked", check: { name, state: "wrong", detail: (error as Error).message, cure } };
  }
}

const isMultiFile = (folder: string): boolean => existsSync(join(folder, "creds.json"));
const multiFile: LinkCheck = {
  kind: "linked",
  check: {
    name,
    state: "note",
    detail: "a link of another program lies in store/auth; npm start or npm run auth takes it over",
  },
};

/** Whoever reads these files can read and write as the account. */
function checkFiles(folder: string): Check[] {
  if (!existsSync(folder)) return [];
  const paths = [folder, ...readdirSync(folder).map((file) => join(folder, file))];
  const open = paths.filter((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat !== undefined && ((stat.mode & 0o077) !== 0 || stat.uid !== (process.getuid?.() ?? stat.uid));
  });
  const isFolderShut = !open.includes(folder);
  // Nobody else comes that far.
  if (open.length === 0 || isFolderShut)
    return [{ name: "whatsapp files", state: "ok", detail: `${folder}, for this user alone` }];
  const detail = `other users can read the link in ${folder}: whoever has it reads and writes as you`;
  const cure = `chmod -R go= '${folder}', after sudo chown -R "$USER" '${folder}' if it is not yours`;
  const mine = open.filter((path) => statSync(path).uid === process.getuid?.());
  const fix = {
    what: `make ${folder} private`,
    run: () => {
      for (const path of mine) chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
      return Promise.resolve("done");
    },
  };
  return [{ name: "whatsapp files", state: "wrong", detail, cure, ...(mine.includes(folder) && { fix }) }];
}

function checkOwner({ settings }: Config, proved: string | null): Check {
  const check = { name: "whatsapp owner", state: "ok" } as const;
  const { ASSISTANT_HAS_OWN_NUMBER: isOwn, NANOCLAW_OWNER: named } = settings;
  if (!isOwn) {
    const detail = "shared number: whoever holds the linked phone; its chat with itself is main";
    if (named === undefined) return { ...check, detail };
    const cure = "take it away, or set ASSISTANT_HAS_OWN_NUMBER=true";
    return { ...check, state: "note", detail: `${detail}; NANOCLAW_OWNER has no effect`, cure };
  }
  if (named !== undefined) return { ...check, detail: `+${named.join(", +")}, by NANOCLAW_OWNER` };
  if (proved !== null) return { ...check, detail: `+${proved}, who proved it` };
  const cure = "npm run auth -- --owner <the owner's number>, or NANOCLAW_OWNER in .env";
  return { ...check, state: "wrong", detail: "own number, and nobody is known as its owner: it answers nobody", cure };
}

function checkHeld(chats: readonly string[]): Check[] {
  if (chats.length === 0) return [];
  const detail = `registered for another account, so nothing is answered there: ${chats.join(", ")}`;
  return [{ name: "whatsapp chats", state: "wrong", detail, cure: "npm run nanoclaw -- groups confirm" }];
}
