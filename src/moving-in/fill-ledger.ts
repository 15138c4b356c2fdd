import { isLocal, localJid, MAIN, newMessageId } from "../domain/ids.ts";
import type { Jid } from "../domain/ids.ts";
import { cleanText } from "../domain/message.ts";
import type { ForkDatabase } from "../store/fork-database.ts";
import type { NewLedger } from "../store/fork-ledger.ts";
import { isWhatsApp } from "./plan-groups.ts";
import { plannedMessages, type MessageCount, type MovePlan, type MoveSettings } from "./plan-move.ts";
import { planRun } from "./plan-tasks.ts";
import { readTime } from "./read-time.ts";

/** Writes the plan into a ledger that nobody uses yet, in one transaction. */
export function fillLedger(
  ledger: NewLedger,
  database: ForkDatabase | undefined,
  plan: MovePlan,
  settings: MoveSettings,
): MessageCount {
  return ledger.transaction(() => {
    addGroups(ledger, plan);
    addChats(ledger, database);
    const count = addMessages(ledger, database, plan, settings);
    addTasks(ledger, database, plan);
    return count;
  });
}

/** Tells the owner where they look first, at this machine. */
export function addNotice(ledger: NewLedger, text: string, now: number): void {
  const place = { chat: localJid(MAIN), folder: MAIN, messageId: newMessageId(), source: "notice" } as const;
  ledger.outbox.add({ ...place, text, turn: null, task: null, requestKey: null, now });
}

function addGroups(ledger: NewLedger, { groups }: MovePlan): void {
  for (const { folder, name, addedAt, settings, chats } of groups.groups) {
    ledger.groups.add(folder, name, settings, addedAt);
    for (const chat of chats) ledger.groups.addChat(chat);
    if (chats.length > 0) continue;
    const rules = { trigger: null, requiresTrigger: false, senders: "owner", account: null } as const;
    ledger.groups.addChat({ jid: localJid(folder), folder, name, ...rules });
  }
}

/** Where the fork noted when it last looked for groups. */
const NO_CHAT = "__group_sync__";

function addChats(ledger: NewLedger, database: ForkDatabase | undefined): void {
  for (const { jid, name, lastMessageTime } of database?.chats() ?? []) {
    if (jid === null || jid === "" || jid === NO_CHAT || isLocal(jid as Jid) || !isWhatsApp(jid)) continue;
    const known = cleanText(name ?? "");
    const at = readTime(lastMessageTime) ?? null;
    ledger.addChat({ jid: jid as Jid, channel: "whatsapp", name: known === jid ? "" : known, at });
  }
}

function addMessages(
  ledger: NewLedger,
  database: ForkDatabase | undefined,
  plan: MovePlan,
  settings: MoveSettings,
): MessageCount {
  const count: MessageCount = { kept: 0, unanswered: 0, doubled: 0, cut: 0, guessedTimes: 0 };
  const answered = new Map<Jid, number>();
  for (const one of plannedMessages(database, plan, settings)) {
    const { placed, chat, message, verdict } = one;
    const id = cleanText(message.id ?? "") || `moved-${placed.row}`;
    // A phone may have been ahead; nothing came later than now.
    const cameAt = Math.min(placed.sentAt, settings.now);
    const said = { chat: chat.jid, folder: chat.folder, messageId: id, text: one.text, now: cameAt };
    if (one.fromAssistant) ledger.addSaid({ ...said, source: "answer" });
    const kept = {
      ...{ chat: chat.jid, id, text: one.text, sentAt: placed.sentAt, senderName: one.senderName },
      ...{ fromOwner: one.fromOwner, fromAssistant: one.fromAssistant, sender: ledger.persons.canonical(one.sender) },
      ...{ mentionsUs: false, aside: false, quote: null, attachments: [], away: null },
    };
    const seq = ledger.messages.add(kept, chat.folder, verdict, cameAt);
    count.cut += Number(one.cut);
    count.guessedTimes += Number(placed.guessed);
    count[seq === undefined ? "doubled" : "kept"] += 1;
    if (seq !== undefined && one.answered) answered.set(chat.jid, seq);
    count.unanswered += Number(seq !== undefined && !one.answered && verdict.decision === "wakes");
  }
  for (const [chat, seq] of answered) ledger.turns.moveAnswered(chat, seq);
  return count;
}

function addTasks(ledger: NewLedger, database: ForkDatabase | undefined, { tasks }: MovePlan): void {
  for (const task of tasks.tasks) ledger.addTask(task);
  for (const run of database?.runs() ?? []) {
    const task = tasks.ids.get(run.task ?? "");
    const planned = planRun(run);
    if (task !== undefined && planned) ledger.addRun(task, planned);
  }
}
