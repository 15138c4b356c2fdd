import { performance } from "node:perf_hooks";
import { expect, it } from "vitest";
import { askOn, register, type Line } from "./whatsapp-crash-crowd.ts";
import { answersTo, figures, judge, sound, untilOver } from "./whatsapp-crash-verdict.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";
import { until } from "./until.ts";

/** How many messages; the gate sends more, to four times as many chats. */
const messages = Number(process.env["WHATSAPP_BURST"] ?? 100);
const chats = messages > 100 ? 20 : 5;

/** Every fourth one is a group. */
async function openChat(site: WhatsAppHost, index: number): Promise<Line> {
  const { server } = site;
  const friend = server.person({ name: `Friend ${index}` });
  const name = `chat${index}`;
  if (index % 4 !== 3) {
    await register(site, friend.pn, name, { senders: "everyone", requiresTrigger: false });
    return { name, from: friend, chat: server.phone, by: index % 2 === 0 ? "lid" : "pn", call: "" };
  }
  const addressing = index % 8 === 3 ? "lid" : "pn";
  const group = server.group({ subject: name, members: [server.phone, friend], addressing });
  await register(site, group.jid, name, {});
  return { name, from: server.phone, chat: group, by: addressing, call: "@Andy " };
}

it(
  `${messages} messages at once in ${chats} chats are all answered`,
  { timeout: 60_000 + messages * 2_000 },
  async () => {
    await using site = await openWhatsAppHost();
    await site.start();
    await site.online();
    const lines: Line[] = [];
    for (let index = 0; index < chats; index += 1) lines.push(await openChat(site, index));

    const begun = performance.now();
    const questions = await Promise.all(
      Array.from({ length: messages }, (_, index) => {
        const line = lines[index % chats] as Line;
        return askOn(site, line, `${line.name}item${index}`);
      }),
    );
    const posted = performance.now() - begun;
    const rows = () => site.ledger("SELECT chat_jid, content FROM messages WHERE sender <> 'assistant' ORDER BY seq");
    await until(() => rows().length === messages);
    const stored = performance.now() - begun;
    await until(() => questions.every(({ item }) => answersTo(site, item).length > 0));
    const answered = performance.now() - begun;
    await untilOver(site, questions, 30_000);

    expect(judge(site, questions)).toEqual(sound);
    const byChat = Map.groupBy(rows(), (row) => String(row["chat_jid"]));
    const order = [...byChat.values()].map((own) =>
      own.map(({ content }) => Number(/\d+$/.exec(String(content))?.[0])),
    );
    expect(order).toEqual(order.map((own) => own.toSorted((a, b) => a - b)));
    const turns = site.ledger("SELECT count(*) AS n FROM turns")[0]?.["n"];
    process.stdout.write(
      `${messages} messages over ${chats} chats: posted in ${posted.toFixed(0)} ms, in the ledger after ${stored.toFixed(0)} ms, ` +
        `answered after ${answered.toFixed(0)} ms by ${String(turns)} turns and ${figures(site, questions).answers} messages\n`,
    );
  },
);
