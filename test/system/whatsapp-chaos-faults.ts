import { setTimeout as delay } from "node:timers/promises";
import type { MediaFault } from "../whatsapp-server/media.ts";
import { image } from "../whatsapp-server/content.ts";
import type { AckRule } from "../whatsapp-server/faults.ts";
import type { Line, Question } from "./whatsapp-crash-crowd.ts";
import { askOn } from "./whatsapp-crash-crowd.ts";
import type { WhatsAppHost } from "./whatsapp-host.ts";

/** What goes wrong, by name. Each resolves when it is over, as far as the server is concerned. */
export type Trouble = (chaos: Chaos) => void | Promise<void>;

export interface Chaos {
  site: WhatsAppHost;
  lines: Line[];
  /** Everything that was asked, also by the troubles themselves. */
  questions: Question[];
}

const anyOf = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;
const aWhile = () => delay(200 + Math.random() * 1_800);

export const troubles: Record<string, Trouble> = {
  drop: ({ site }) => site.server.drop(),
  deaf: ({ site }) => site.server.goDeaf(),
  "stream error 503": ({ site }) => site.server.streamError(503),
  "stream error 515": ({ site }) => site.server.streamError(515),
  "stream end": ({ site }) => site.server.endStreams(),
  "acks never": (chaos) => answering(chaos, "never"),
  "acks lost": (chaos) => answering(chaos, "lost"),
  "acks held": async (chaos) => {
    await answering(chaos, "held");
    chaos.site.server.releaseAcks();
  },
  "acks late": (chaos) => answering(chaos, { after: 1_500 }),
  unreachable: async ({ site: { server } }) => {
    server.faults.reachable = false;
    server.drop();
    await aWhile();
    server.faults.reachable = true;
  },
  "login refused 503": (chaos) => refusing(chaos, 503),
  "login refused 500": (chaos) => refusing(chaos, 500),
  "unanswered queries": async ({ site: { server } }) => {
    server.faults.unanswered = ({ attrs: { xmlns } }) => ["usync", "encrypt", "w:g2"].includes(xmlns ?? "");
    await aWhile();
    server.faults.unanswered = () => false;
  },
  "no delivery receipts": async ({ site: { server } }) => {
    server.faults.deliveryReceipts = false;
    await aWhile();
    server.faults.deliveryReceipts = true;
  },
  "no history": ({ site: { server } }) => void (server.faults.history = false),
  "few keys": ({ site }) => site.server.useUpKeys(site.device(), 2),
  spoiled: async (chaos) => void chaos.questions.push(await ask(chaos, "spoiled", { spoiled: true })),
  "same bytes again": (chaos) => repeating(chaos, "same bytes"),
  "sealed anew": (chaos) => repeating(chaos, "sealed anew"),
  "file gone": (chaos) => withFile(chaos, "gone"),
  "file cut off": (chaos) => withFile(chaos, "cut"),
  "file spoiled": (chaos) => withFile(chaos, "spoiled"),
};

/** The fault's names in a new order again and again. */
export function* shuffled(): Generator<string> {
  for (;;) yield* Object.keys(troubles).toSorted(() => Math.random() - 0.5);
}

/** The network is whole again; what is dead stays so until somebody notices. */
export function calm({ server }: WhatsAppHost): void {
  Object.assign(server.faults, { acks: "at once", reachable: true, refuseLogin: undefined, unanswered: () => false });
  server.releaseAcks();
}

async function answering({ site: { server } }: Chaos, rule: AckRule): Promise<void> {
  server.faults.acks = rule;
  await aWhile();
  server.faults.acks = "at once";
}

async function refusing({ site: { server } }: Chaos, reason: number): Promise<void> {
  server.faults.refuseLogin = reason;
  server.drop();
  await aWhile();
  server.faults.refuseLogin = undefined;
}

const ask = ({ site, lines, questions }: Chaos, word: string, how: { spoiled?: boolean } = {}) =>
  askOn(site, anyOf(lines), `${word}item${questions.length}`, how);

async function repeating({ site, questions }: Chaos, how: "same bytes" | "sealed anew"): Promise<void> {
  const question = questions.at(-1);
  if (question) await site.server.repeat(question.posted, how);
}

/** The words count, whatever became of the file. */
async function withFile({ site, lines, questions }: Chaos, fault: MediaFault): Promise<void> {
  const { server } = site;
  const line = anyOf(lines);
  const item = `fileitem${questions.length}`;
  const file = await server.media.put(Buffer.alloc(50_000, item), "image");
  server.media.fail(file, fault);
  const content = image(file, `${line.call}search for ${item}`);
  const posted = await server.send(line.from, line.chat, content, { by: line.by });
  questions.push({ item, line, posted, at: Date.now() });
}
