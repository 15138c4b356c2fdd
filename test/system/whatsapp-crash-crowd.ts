import { setTimeout as delay } from "node:timers/promises";
import type { Posted } from "../whatsapp-server/messages.ts";
import type { Addressing, Chat, Person } from "../whatsapp-server/people.ts";
import type { WhatsAppHost } from "./whatsapp-host.ts";

/** One way on which a message reaches the host. */
export interface Line {
  name: string;
  from: Person;
  chat: Chat;
  by: Addressing;
  /** What a message there begins with. */
  call: string;
}

export interface Question {
  /** A word that occurs in its answer, and in no other. */
  item: string;
  line: Line;
  posted: Posted;
  at: number;
}

/** Answers name what was searched for, and searching has no effect that forbids a second try. */
export async function askOn(
  { server }: WhatsAppHost,
  line: Line,
  item: string,
  how: { spoiled?: boolean } = {},
): Promise<Question> {
  const { from, chat, by, call } = line;
  const at = Date.now();
  return { item, line, at, posted: await server.send(from, chat, `${call}search for ${item}`, { by, ...how }) };
}

/** Every kind of chat, registered with the host, which runs. */
export async function openLines(site: WhatsAppHost): Promise<Line[]> {
  const { server } = site;
  const { phone } = server;
  const friend = server.person({ name: "Finn" });
  const members = [phone, friend];
  const lidGroup = server.group({ subject: "Home", members, addressing: "lid" });
  const pnGroup = server.group({ subject: "Club", members, addressing: "pn" });
  const rules = { senders: "everyone", requiresTrigger: false };
  await register(site, friend.pn, "finn", rules);
  await register(site, lidGroup.jid, "home", {});
  await register(site, pnGroup.jid, "club", {});
  return [
    { name: "selflid", from: phone, chat: phone, by: "lid", call: "" },
    { name: "friendlid", from: friend, chat: phone, by: "lid", call: "" },
    { name: "grouplid", from: phone, chat: lidGroup, by: "lid", call: "@Andy " },
    { name: "selfpn", from: phone, chat: phone, by: "pn", call: "" },
    { name: "friendpn", from: friend, chat: phone, by: "pn", call: "" },
    { name: "grouppn", from: phone, chat: pnGroup, by: "pn", call: "@Andy " },
  ];
}

export const register = (site: WhatsAppHost, jid: string, folder: string, rules: object): Promise<unknown> =>
  site.ask("POST", "/control/groups", { jid, folder, name: folder, ...rules });

/** One question after the other on each line in turn, also while the host is down. */
export async function speak(site: WhatsAppHost, lines: Line[], pause: () => number, signal: AbortSignal) {
  const questions: Question[] = [];
  while (!signal.aborted) {
    for (const line of lines) {
      if (signal.aborted) break;
      questions.push(await askOn(site, line, `${line.name}item${questions.length}`));
      await delay(pause());
    }
  }
  return questions;
}

/** Where a person sees the answer: a friend's own chat with the account, else the chat itself. */
export const answeredIn = ({ from, chat }: Line, owner: Person): Chat => (chat === owner ? from : chat);
