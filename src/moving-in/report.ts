import { MAIN } from "../domain/ids.ts";
import { scheduleWords } from "../domain/schedule-words.ts";
import { isoInZone } from "../domain/zone.ts";
import type { MovedIn } from "./move-settings.ts";
import type { PlannedGroup } from "./plan-groups.ts";
import type { MessageCount, MovePlan, MoveSettings } from "./plan-move.ts";

export interface ReportFacts {
  plan: MovePlan;
  settings: MoveSettings;
  /** Undefined before the messages were looked at one by one. */
  count: MessageCount;
  from: string;
  /** Where the old database lies now; undefined in a dry run. */
  backup: string | undefined;
  /** What a move from another folder has to say of its files. */
  files: readonly string[];
  dryRun: boolean;
}

/** What came along and what did not: Markdown that reads as plain text, too. */
export function writeReport(facts: ReportFacts): string {
  const { settings, from, dryRun } = facts;
  const when = isoInZone(settings.now, settings.zone);
  const title = dryRun ? "What moving in would do" : "Moved in from the old system";
  return [
    `# ${title}`,
    "",
    `From ${from}, ${when}.${dryRun ? " Nothing was changed." : ""}`,
    "",
    ...section("Look at this", attention(facts)),
    ...section("Came along", came(facts)),
    ...section("Did not come along", left(facts)),
    ...section("How to go back", back(facts)),
  ].join("\n");
}

/** For whoever started the command that did it. */
export const movedInWords = ({ report, backup, summary: words }: MovedIn): string =>
  `Moved in from the old system: ${words}.\n  What came along, and what to look at: ${report}\n  The old database, as it was: ${backup}\n`;

/** In one line, for the log and the local chat. */
export function summary({ groups, tasks }: MovePlan, { kept, unanswered }: MessageCount): string {
  const open = tasks.tasks.filter(({ status }) => status === "active" || status === "paused").length;
  return [
    plural(groups.groups.length, "group"),
    plural(kept, "message"),
    `${plural(open, "task")} that will run or ${open === 1 ? "is" : "are"} paused`,
    `${plural(unanswered, "message")} still to be answered`,
  ].join(", ");
}

function attention({ plan, settings }: ReportFacts): string[] {
  const { groups, tasks, leftovers, cursors } = plan;
  const others = groups.groups.filter(({ folder, chats }) => folder !== MAIN && chats.length > 0);
  const lines = [...groups.notes, ...tasks.notes];
  if (others.length > 0) {
    lines.unshift(
      leftovers.senderAllowlist === undefined ? everyone(others) : onlyYou(others, leftovers.senderAllowlist),
    );
    lines.splice(1, 0, login(others));
  }
  if (leftovers.service !== undefined) {
    lines.unshift(
      `${leftovers.service} still starts the old program. Replace it with: nanoclaw service install. Two programs with one WhatsApp link throw each other out (440).`,
    );
  }
  for (const path of leftovers.steering) {
    lines.push(
      `${path} is read by the agent at each turn, as before. It describes the old system: take out what is not so any more. nanoclaw.md, made beside it at the first turn, says how it is now.`,
    );
  }
  for (const path of leftovers.claudeNotes) {
    lines.push(`${path} is not read by Kiro: what it should know goes into .kiro/steering/ of that group.`);
  }
  if (cursors.damaged) {
    lines.push("The old system's note of what it had answered could not be read; what it had seen counts as answered.");
  }
  lines.push(
    `The assistant is called by @${settings.identity.assistantName}. Was it another name, in the service's file perhaps: ASSISTANT_NAME in .env.`,
  );
  return lines;
}

const everyone = (groups: readonly PlannedGroup[]): string =>
  `In ${names(groups)} EVERYONE may start turns, as before. To let only you do so: ${groups.map(({ folder }) => `nanoclaw groups set ${folder} --senders owner`).join("; ")}. Groups added from now on begin with you alone.`;

const onlyYou = (groups: readonly PlannedGroup[], path: string): string =>
  `${path} is not read here. In ${names(groups)} only you may start turns until you say who else may: nanoclaw groups set <folder> --senders everyone, or numbers.`;

const login = (groups: readonly PlannedGroup[]): string =>
  `Only main uses your Kiro login by itself now; before, every group had all of it. For ${names(groups)} set KIRO_API_KEY in .env (safer), or lend the login: ${groups.map(({ folder }) => `nanoclaw groups set ${folder} --share-login`).join("; ")}`;

function came({ plan, count, files, settings }: ReportFacts): string[] {
  const { groups, tasks } = plan;
  const lines = groups.groups.map(groupLine);
  lines.push(`${plural(count.kept, "message")}, to be found by search; still to be answered: ${count.unanswered}`);
  for (const { id, schedule, status, nextRun, folder } of tasks.tasks) {
    const next = nextRun === null ? "" : `, next ${isoInZone(nextRun, schedule.zone)}`;
    lines.push(`Task ${id} of "${folder}": ${scheduleWords(schedule)}, ${status}${next}`);
  }
  if (tasks.tasks.length > 0) {
    lines.push(`Schedules count in ${settings.zone}, the zone of this machine, as they did before.`);
  }
  return [...lines, ...files];
}

function groupLine({ folder, name, chats, from }: PlannedGroup): string {
  const as = from === folder ? "" : ` (was ${JSON.stringify(from)})`;
  const [chat] = chats;
  if (!chat) return `Group "${folder}"${as}, ${JSON.stringify(name)}: local chat only`;
  const rules = `${chat.requiresTrigger ? "trigger needed" : "no trigger needed"}, senders ${Array.isArray(chat.senders) ? chat.senders.join(", ") : String(chat.senders)}`;
  return `Group "${folder}"${as}, ${JSON.stringify(name)}: ${chats.map(({ jid }) => jid).join(", ")}; ${rules}`;
}

function left({ plan, count }: ReportFacts): string[] {
  const { groups, tasks, strangers, sessions, unreadable, leftovers } = plan;
  const lines = [...tasks.left];
  const some = (count: number, noun: string, text: string) => count > 0 && lines.push(`${plural(count, noun)} ${text}`);
  some(strangers, "message", "of chats that belong to no group; the copy of the old database has them.");
  some(count.doubled, "message", "that the old database had twice.");
  some(count.cut, "message", "longer than 1 MiB: the beginning came along.");
  some(
    count.guessedTimes,
    "message",
    "without a readable time: the time of the one before was taken, and no turn starts.",
  );
  some(groups.unusable, "row", "of registered_groups without a folder.");
  some(
    sessions,
    "conversation",
    "of the agent. Whose they are cannot be told (all groups shared one folder inside the containers), so each group begins anew, with a summary of what was said.",
  );
  some(
    leftovers.pendingRequests,
    "request",
    "of agents, unread in data/ipc: not carried out, as nobody knows how old they are. The files stay there.",
  );
  lines.push(...unreadable.map((path) => `${path}: it could not be read.`));
  if (leftovers.unusedSettings.length > 0) {
    lines.push(`${leftovers.unusedSettings.join(" and ")} in .env: nothing here reads them; remove them.`);
  }
  return lines;
}

function back({ backup, dryRun, from }: ReportFacts): string[] {
  if (dryRun || backup === undefined) return [];
  return [
    `The old database is in ${backup}, as it was. Stop NanoClaw, put that messages.db back into ${from}/store (and the JSON files, if there are any, into data), remove messages.db-wal and messages.db-shm there, check out the old code, and start it. Messages that came since are not in it.`,
  ];
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`## ${title}`, "", ...lines.map((line) => `- ${oneLine(line)}`), ""];

/** Names of groups come from people: none of them begins a line of its own. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
const names = (groups: readonly PlannedGroup[]): string => groups.map(({ folder }) => `"${folder}"`).join(", ");
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
