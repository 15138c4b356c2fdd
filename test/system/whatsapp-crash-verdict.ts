import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import type { Arrival } from "../whatsapp-server/messages.ts";
import { answeredIn, type Question } from "./whatsapp-crash-crowd.ts";
import type { WhatsAppHost } from "./whatsapp-host.ts";

/** What became of everything; in a sound run the lists are empty. */
export interface Verdict {
  lost: string[];
  twice: string[];
  elsewhere: string[];
  /** Ids that did not carry the same text each time. */
  changed: string[];
  /** Ids that somebody could not read in any copy. */
  unreadable: string[];
  /** Rows that are still to be sent, or were given up. */
  unsent: Record<string, unknown>[];
  /** Messages in the raw inbox that the ledger does not have. */
  notHandedOver: Record<string, unknown>[];
  problems: unknown[];
}

export interface Figures {
  questions: number;
  /** Ids that were on the wire. */
  answers: number;
  /** Of these, more than once. */
  repeated: number;
  /** Copies that could not be read, of ids that were. */
  unreadableCopies: number;
  nacks: number;
  retries: number;
}

const messages = ({ server }: WhatsAppHost): Arrival[] => server.received.filter(({ peer }) => !peer);

const names = ({ text }: Arrival, item: string): boolean => new RegExp(`\\b${item}\\b`).test(text ?? "");

/** Ids under which this was answered. */
export const answersTo = (site: WhatsAppHost, item: string): string[] => [
  ...new Set(
    messages(site)
      .filter((arrival) => names(arrival, item))
      .map(({ id }) => id),
  ),
];

export function judge(site: WhatsAppHost, questions: readonly Question[]): Verdict {
  const { server } = site;
  const count = (wanted: (times: number) => boolean) =>
    questions.filter(({ item }) => wanted(answersTo(site, item).length)).map(describe);
  const ids = byId(site);
  return {
    lost: count((times) => times === 0),
    twice: count((times) => times > 1),
    elsewhere: questions.filter((question) => isElsewhere(site, question)).map(describe),
    changed: [...ids].filter(([, copies]) => textsOf(copies).size > 1).map(([id]) => id),
    unreadable: [...ids].filter(([, copies]) => wasUnreadable(copies)).map(tellUnreadable),
    unsent: site.ledger("SELECT chat_jid, content, status, error FROM outbox WHERE status <> 'sent'"),
    notHandedOver: open(site),
    problems: server.problems,
  };
}

export const sound: Verdict = {
  ...{ lost: [], twice: [], elsewhere: [], changed: [], unreadable: [] },
  ...{ unsent: [], notHandedOver: [], problems: [] },
};

export function figures(site: WhatsAppHost, questions: readonly Question[]): Figures {
  const ids = [...byId(site).values()];
  const envelopes = questions.flatMap(({ posted }) => posted.copies.map(({ envelope }) => envelope));
  return {
    questions: questions.length,
    answers: ids.length,
    repeated: ids.filter((copies) => copies.length > 1).length,
    unreadableCopies: ids.flat().filter(({ unreadable }) => unreadable.length > 0).length,
    nacks: envelopes.filter(({ settled }) => settled === "nack").length,
    retries: envelopes.reduce((sum, { retries }) => sum + retries, 0),
  };
}

const describe = ({ item, posted }: Question): string =>
  `${item} ${posted.id} ${posted.copies.map(({ envelope: it }) => `${it.deliveries} ${it.settled ?? "open"} ${it.detail ?? ""} ${it.retries}`).join("; ")}`;

function byId(site: WhatsAppHost): Map<string, Arrival[]> {
  const ids = new Map<string, Arrival[]>();
  for (const arrival of messages(site)) ids.set(arrival.id, [...(ids.get(arrival.id) ?? []), arrival]);
  return ids;
}

/** What never got here, nobody could read. */
const textsOf = (copies: Arrival[]): Set<string> =>
  new Set(copies.flatMap(({ text }) => (text === undefined ? [] : [text])));

const wasUnreadable = (copies: Arrival[]): boolean =>
  copies.some(({ unreadable }) =>
    unreadable.some(({ person }) => !copies.some(({ readBy }) => readBy.includes(person))),
  );

const tellUnreadable = ([id, copies]: [string, Arrival[]]): string =>
  `${id} to ${copies.map(({ to, ack, unreadable }) => `${to} (${JSON.stringify(ack)}): ${unreadable.map(({ person, error }) => `${person.name}: ${error}`).join(", ")}`).join("; ")}`;

const isElsewhere = (site: WhatsAppHost, { item, line }: Question): boolean => {
  const expected = answeredIn(line, site.server.phone);
  return messages(site).some((arrival) => names(arrival, item) && arrival.chat !== expected);
};

/** Complete messages; half a stanza was never receipted and comes again. */
const open = (site: WhatsAppHost) =>
  site.state(
    `SELECT message_key, parts, count(DISTINCT part) AS found FROM inbox WHERE done_at IS NULL
     GROUP BY message_key, parts HAVING found >= parts`,
  );

/** Nothing waits anywhere: not at the server, not in the raw inbox, the ledger, the outbox. */
export function isQuiet(site: WhatsAppHost): boolean {
  if (site.server.waiting > 0 || open(site).length > 0) return false;
  const [found] = site.ledger(
    `SELECT (SELECT count(*) FROM turns WHERE status IN ('queued', 'running'))
          + (SELECT count(*) FROM outbox WHERE status = 'pending')
          + (SELECT count(*) FROM messages m JOIN registered_chats c ON c.jid = m.chat_jid
             WHERE m.seq > c.answered_seq AND m.decision = 'wakes') AS open`,
  );
  return found?.["open"] === 0;
}

const QUIET_LOOKS = 5;

/** Resolves when everything was answered and is quiet, or has been quiet for a while without that. */
export async function untilOver(site: WhatsAppHost, questions: readonly Question[], limitMs: number): Promise<void> {
  const end = Date.now() + limitMs;
  const isAnswered = () => questions.every(({ item }) => answersTo(site, item).length > 0);
  for (let quiet = 0; quiet < 10 * QUIET_LOOKS && Date.now() < end; quiet = isQuiet(site) ? quiet + 1 : 0) {
    if (quiet >= QUIET_LOOKS && isAnswered()) break;
    await delay(200);
  }
  keepUnsound(site, questions);
}

/** A home that a campaign found unsound, with all that went over the wire, for a look at it. */
function keepUnsound(site: WhatsAppHost, questions: readonly Question[]): void {
  const folder = process.env["WHATSAPP_KEEP"];
  if (folder === undefined || isDeepStrictEqual(judge(site, questions), sound)) return;
  cpSync(site.home, folder, { recursive: true, filter: (path) => !path.endsWith(".sock") });
  const lines = site.server.stanzas.map(({ node: { tag, attrs, content } }) =>
    JSON.stringify([tag, attrs, Array.isArray(content) ? content.map((child) => [child.tag, child.attrs]) : ""]),
  );
  writeFileSync(join(folder, "wire.txt"), lines.join("\n"));
}
