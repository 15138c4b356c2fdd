import { changeLine } from "../domain/change-line.ts";
import type { Clock } from "../domain/clock.ts";
import { decideLateChange, decideMessage, type ChatFacts, type Verdict } from "../domain/decide.ts";
import type { InboundChange } from "../domain/message.ts";
import type { StoredMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { chatFacts, joinWaitingTurn } from "./inbox-chat.ts";

export interface ChangeOptions {
  store: Store;
  clock: Clock;
  assistantName: string;
  ageLimit: number;
}

/** What came of a change; for the log. */
export interface Changed {
  became: "nothing" | "known" | "new-text" | "withdrawn" | "context-line" | "withdrawn-before-it-came";
  /** Of the changed message, when no turn had taken it. */
  verdict?: Verdict;
}

/**
 * Applies an edit or a deletion, when its author wrote the message, or is an admin who deletes.
 * Before a turn takes the message it is as if it had come like that; later the next turn is told.
 */
export function applyChange(options: ChangeOptions, given: InboundChange): Changed {
  const { store, clock } = options;
  const { canonical } = store.persons;
  const change = { ...given, chat: canonical(given.chat), sender: canonical(given.sender) };
  const place = chatFacts(store, change.chat);
  if (!place) return { became: "nothing" };
  if (store.messages.find(change.chat, change.sender, change.id)) return { became: "known" };
  const targets = targetsOf(store, change);
  if (targets.length === 0) return { became: forestall(store, change, place, clock.now()) };
  const outcomes = targets.map((target) => changeOne(options, change, target, place));
  // One row by this name: the line for the next turn, or that the change was made.
  const line = outcomes.find(({ late }) => late)?.late;
  addRow(store, change, place, line?.text ?? "", line?.verdict ?? changeMade, clock.now());
  return outcomes[0]?.changed ?? { became: "nothing" };
}

/** Who may: the author; an admin may delete what others wrote, and it is not told whose of one id. */
function targetsOf(store: Store, { chat, sender, target, text, byAdmin }: InboundChange): StoredMessage[] {
  const own = store.messages.find(chat, sender, target);
  if (own) return [own].filter(isSaid);
  if (!byAdmin || text !== null) return [];
  const there = store.messages.withId(chat, target).filter(isSaid);
  // Ids are chosen by clients: another's message must not be deleted in place of the owner's.
  return there.length > 1 ? there.filter(({ fromOwner }) => !fromOwner) : there;
}

/** By a person, and still there. */
const isSaid = ({ fromAssistant, reason }: StoredMessage): boolean =>
  !fromAssistant && !["withdrawn", "change-made", "duplicate"].includes(reason);

function changeOne(
  options: ChangeOptions,
  change: InboundChange,
  target: StoredMessage,
  place: ChatFacts,
): { changed: Changed; late?: { text: string; verdict: Verdict } } {
  const { store, clock } = options;
  if (isTaken(store, target)) {
    const writtenBy = target.sender === change.sender ? null : target.senderName;
    const verdict = decideLateChange(change, place, change.text === null ? "deleted" : "edited");
    // What the agent never saw is not worth a line.
    if (target.decision === "ignored") return { changed: { became: "nothing" } };
    return {
      changed: { became: "context-line" },
      late: { text: changeLine({ ...target, writtenBy }, change.text), verdict },
    };
  }
  if (change.text === null) {
    store.messages.withdraw(target.seq);
    return { changed: { became: "withdrawn" } };
  }
  const verdict = decideAnew(options, target, change.text, place);
  store.messages.edit(target.seq, change.text, verdict);
  if (verdict.decision === "wakes") joinWaitingTurn(store, target.chat, clock.now());
  return { changed: { became: "new-text", verdict } };
}

/** Answered, or in the hands of a turn that is not over. */
function isTaken(store: Store, { chat, seq }: StoredMessage): boolean {
  if (seq <= store.turns.answeredSeq(chat)) return true;
  const open = store.turns.openMessageTurn(chat);
  return open?.toSeq !== undefined && open.toSeq !== null && seq <= open.toSeq;
}

/** Whether it mentions us an edit does not tell: that stays as it was. */
function decideAnew(
  { store, clock, assistantName, ageLimit }: ChangeOptions,
  target: StoredMessage,
  text: string,
  place: ChatFacts,
): Verdict {
  const quoted = target.quoteId === null ? undefined : store.outbox.byMessageId(target.quoteId);
  const message = {
    ...target,
    text,
    mentionsUs: target.reason === "mention",
    aside: target.reason === "aside",
    hasAttachments: target.attachments.length > 0,
    repliesToUs: quoted?.chat === target.chat,
  };
  return decideMessage({ message, place, assistantName, now: clock.now(), ageLimit });
}

/** A deletion that overtook its message: when that one comes, it is known, and withdrawn. */
function forestall(store: Store, change: InboundChange, place: ChatFacts, now: number): Changed["became"] {
  if (change.text !== null || store.messages.find(change.chat, change.sender, change.target)) return "nothing";
  addRow(store, { ...change, id: change.target }, place, "", changeMade, now);
  return "withdrawn-before-it-came";
}

const changeMade: Verdict = { decision: "ignored", reason: "change-made" };

function addRow(
  store: Store,
  { chat, id, sender, senderName, sentAt, fromOwner }: InboundChange,
  place: ChatFacts,
  text: string,
  verdict: Verdict,
  now: number,
): void {
  const message = {
    ...{ chat, id, sender, senderName, text, sentAt, fromOwner },
    ...{ fromAssistant: false, mentionsUs: false, aside: false, quote: null, attachments: [], away: null },
  };
  store.messages.add(message, place.chat.folder, verdict, now);
}
