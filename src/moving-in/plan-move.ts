import type { RegisteredChat } from "../domain/group.ts";
import type { Jid } from "../domain/ids.ts";
import type { ForkDatabase } from "../store/fork-database.ts";
import type { OldLeftovers, OldPaths } from "./old-home.ts";
import { planGroups, type GroupPlan, type Identity } from "./plan-groups.ts";
import { placeMessages, planMessage, readCursors, type Cursors, type PlacedMessage } from "./plan-messages.ts";
import { planTasks, type TaskPlan } from "./plan-tasks.ts";
import { readOldState } from "./read-json.ts";

export interface MoveSettings {
  identity: Identity;
  zone: string;
  ageLimit: number;
  now: number;
}

/** Everything that was decided, before anything is written. */
export interface MovePlan {
  groups: GroupPlan;
  tasks: TaskPlan;
  cursors: Cursors;
  messages: PlacedMessage[];
  /** Of chats that belong to no group. */
  strangers: number;
  sessions: number;
  unreadable: string[];
  leftovers: OldLeftovers;
}

export interface MoveSource {
  /** Undefined: there is none yet, only JSON files. */
  database: ForkDatabase | undefined;
  paths: Pick<OldPaths, "json">;
  leftovers: OldLeftovers;
}

export function planMove({ database, paths, leftovers }: MoveSource, settings: MoveSettings): MovePlan {
  const { identity, zone, now } = settings;
  const state = readOldState(database, paths.json);
  const groups = planGroups({
    ...{ groups: state.groups, identity, now },
    restricted: leftovers.senderAllowlist !== undefined,
    onDisk: leftovers.groupFolders,
  });
  const tasks = planTasks({ tasks: database?.tasks() ?? [], groups: groups.groups, zone, now });
  const known = chatsOf(groups);
  const placed = placeMessages(database?.places() ?? []);
  const messages = placed.filter(({ chat }) => known.has(chat));
  return {
    ...{ groups, tasks, messages, leftovers },
    cursors: readCursors(state.perChat, state.seen),
    strangers: placed.length - messages.length,
    sessions: state.sessions,
    unreadable: state.unreadable,
  };
}

/** Every chat whose words come along. In those that are not served here, nobody may start a turn. */
function chatsOf({ groups }: GroupPlan): Map<string, RegisteredChat> {
  const rules = { trigger: null, requiresTrigger: true, senders: "owner", account: null } as const;
  return new Map(
    groups.flatMap(({ folder, name, chats, otherChats }) => [
      ...chats.map((chat) => [String(chat.jid), chat] as const),
      ...otherChats.map((jid) => [jid, { ...rules, jid: jid as Jid, folder, name }] as const),
    ]),
  );
}

/** What became of the messages: known only when each was looked at. */
export interface MessageCount {
  kept: number;
  unanswered: number;
  /** Told twice by the old database. */
  doubled: number;
  cut: number;
  guessedTimes: number;
}

/** One message after the other, oldest first. */
export function* plannedMessages(database: ForkDatabase | undefined, plan: MovePlan, settings: MoveSettings) {
  const chats = chatsOf(plan.groups);
  const { cursors } = plan;
  for (const placed of plan.messages) {
    const message = database?.message(placed.row);
    const chat = chats.get(placed.chat);
    if (!message || !chat) continue;
    yield { placed, chat, message, ...planMessage({ message, placed, chat, cursors, ...settings }) };
  }
}
