import type { Clock } from "../domain/clock.ts";
import { judgeCommand, type Asked, type Scope } from "../domain/console.ts";
import { groupsText, helpText, NEW_TEXT, statusText, stopText, tasksText, whyText } from "../domain/console-words.ts";
import { tellStory, type Story } from "../domain/explain.ts";
import { newMessageId, type Folder, type Jid, type TurnId } from "../domain/ids.ts";
import { piecesFor } from "../domain/outgoing.ts";
import { consoleCommands } from "../domain/rights.ts";
import { passingReason } from "../store/database.ts";
import type { StoredMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { affairsOf, tasksIn, type View } from "./status.ts";

export interface ConsoleOptions {
  store: Store;
  clock: Clock;
  /** IANA zone of chats whose group has none of its own. */
  zone: string;
  assistantName: string;
  startedAt: number;
  channels(): readonly {
    name: string;
    connected: boolean;
    detail: string;
    since: number | null;
    owns: (chat: Jid) => boolean;
  }[];
  /** Writes down what is to end; `end` is to be called for what runs once that is committed. */
  askStop(
    where: { folder: Folder; chat: Jid | null; answeredIn: Jid | null },
    now: number,
  ): { running: readonly TurnId[]; waiting: number };
  end(turn: TurnId): void;
  storyOf(message: StoredMessage): Story;
}

/** What is left to do when the answer is committed. */
export type Afterwards = () => void;

/**
 * The chat as a console: an answer of the host's own to each command, written in the transaction
 * that stores the command. So it is given once, whatever crashes when.
 */
export function createConsole(options: ConsoleOptions): (asked: Asked) => Afterwards {
  return (asked) => {
    const { store, clock } = options;
    const ruling = judgeCommand(asked);
    const now = clock.now();
    const { text, afterwards } = ruling.allowed
      ? reply({ options, asked, view: { store, chat: asked.chat, scope: ruling.scope, now } })
      : say(`${asked.command}: ${ruling.reason}.`);
    answer(options, asked, text, now);
    return afterwards;
  };
}

/** What cannot be told must not keep the command, and all that is written after it, from being taken. */
function reply(call: Call): Reply {
  const { command } = call.asked;
  try {
    return commands[command](call);
  } catch (error) {
    // These change something: all of it, or it is tried again.
    if (command === "/stop" || command === "/new" || passingReason(error) !== undefined) throw error;
    return say(`${command}: that cannot be told at the moment (${(error as Error).message}).`);
  }
}

interface Call {
  options: ConsoleOptions;
  asked: Asked;
  view: View;
}

interface Reply {
  text: string;
  afterwards: Afterwards;
}

const say = (text: string): Reply => ({ text, afterwards: () => {} });

const commands: Record<Asked["command"], (call: Call) => Reply> = {
  "/help": ({ asked }) =>
    say(helpText(consoleCommands.filter((command) => judgeCommand({ ...asked, command }).allowed))),
  "/status": ({ options, view }) => {
    const { assistantName, startedAt } = options;
    const channels = options.channels().filter((channel) => view.scope === "host" || channel.owns(view.chat.jid));
    const zone = zoneOf(options, view);
    return say(statusText({ assistantName, zone, now: view.now, startedAt, channels, ...affairsOf(view) }));
  },
  "/stop": stop,
  "/new": ({ options: { store }, asked, view }) => {
    store.sessions.forget(asked.chat.folder);
    store.groups.startFresh(asked.chat.folder, view.now);
    return say(NEW_TEXT);
  },
  "/tasks": ({ options, view }) => say(tasksText(tasksIn(view), { zone: zoneOf(options, view), now: view.now })),
  "/why": why,
  "/groups": ({ options: { store } }) =>
    say(
      groupsText(
        store.groups
          .list()
          .map((group) => ({ ...group, chats: store.groups.chatsOf(group.folder).map(({ jid }) => jid) })),
      ),
    ),
};

function stop({ options, asked: { chat }, view }: Call): Reply {
  const { store } = options;
  const where = { folder: chat.folder, chat: view.scope === "chat" ? chat.jid : null, answeredIn: chat.jid };
  const { running, waiting } = options.askStop(where, view.now);
  const since = running.map((turn) => store.turns.find(turn)?.createdAt ?? view.now);
  const ranFor = since.length === 0 ? undefined : view.now - Math.min(...since);
  return { text: stopText({ ranFor, waited: waiting }), afterwards: () => running.forEach(options.end) };
}

function why({ options, view }: Call): Reply {
  const message = view.store.messages.latestTalk(view.chat.jid);
  if (!message) return say(whyText(undefined));
  const story = options.storyOf(message);
  return say(whyText({ text: message.text, lines: tellStory(withoutDetail(story, view.scope)) }));
}

/** What broke is told to whoever can mend it; a group need not read of folders and programs. */
function withoutDetail(story: Story, scope: Scope): Story {
  const { turn } = story;
  if (scope !== "chat" || !turn?.failure) return story;
  return { ...story, turn: { ...turn, failure: turn.failure.replace(/:.*$/s, "") } };
}

const zoneOf = ({ store, zone }: ConsoleOptions, { chat }: View): string =>
  store.groups.find(chat.folder)?.settings.zone ?? zone;

function answer({ store }: ConsoleOptions, { seq, chat }: Asked, text: string, now: number): void {
  piecesFor(chat.jid, text).forEach((piece, index) => {
    store.outbox.add({
      ...{ chat: chat.jid, folder: chat.folder, messageId: newMessageId(), text: piece, source: "notice" },
      // No folder has a colon: an agent's request cannot have this key.
      ...{ turn: null, task: null, requestKey: `command:${seq}/${index}`, now },
    });
  });
}
