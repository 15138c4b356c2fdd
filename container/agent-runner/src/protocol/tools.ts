import { z } from "zod";
import { groupToolArguments, groupToolDescriptions, groupToolResults } from "./group-tools.ts";

/**
 * The tools of the MCP server `nanoclaw`: what an agent may ask the host for. The runner shows
 * these schemas to the agent, the host parses requests with the same ones.
 */
const text = z.string().min(1).max(65_536);
const taskId = z.string().regex(/^task-[a-z0-9]{8}$/);

export const scheduleTypeSchema = z.enum(["cron", "interval", "once"]);
export type ScheduleType = z.infer<typeof scheduleTypeSchema>;

const scheduleValue = z.string().min(1).max(200);
const zone = z.string().min(1).max(64);
const contextMode = z.enum(["group", "isolated"]);
export const missedPolicySchema = z.enum(["latest", "skip", "all"]);
const missed = missedPolicySchema;
const staleAfter = z.int().min(60_000).max(31_536_000_000).nullable();

export const toolArguments = {
  send_message: z.strictObject({
    text: text.describe("What to send, in Markdown."),
    chat: z
      .string()
      .min(1)
      .optional()
      .describe("JID of another chat. Only the main group may name one; leave it out to answer here."),
  }),
  send_file: z.strictObject({
    path: z
      .string()
      .min(1)
      .max(4096)
      .describe("The file: relative to your working folder, or absolute below it, the global or the extra folder."),
    caption: z.string().max(4_000).optional().describe("What stands below the file, in Markdown."),
    name: z.string().min(1).max(255).optional().describe("What the receiver sees as its name. Default: its own."),
    chat: z
      .string()
      .min(1)
      .optional()
      .describe("JID of another chat. Only the main group may name one; leave it out to answer here."),
  }),
  schedule_task: z.strictObject({
    prompt: text.describe(
      "What you are to do when the time comes, complete in itself: the later run may know nothing of this conversation.",
    ),
    schedule_type: scheduleTypeSchema,
    schedule_value: scheduleValue.describe(
      'cron: five fields, e.g. "0 8 * * 1-5". interval: milliseconds, at least 60000. once: local time as ISO 8601 without offset, e.g. "2026-11-23T09:00:00".',
    ),
    zone: zone.optional().describe("IANA time zone of the schedule, e.g. Europe/Berlin. Default: the chat's."),
    context_mode: contextMode
      .optional()
      .describe("group (default): the later run continues this group's conversation. isolated: it starts fresh."),
    missed: missed
      .optional()
      .describe(
        "What becomes of runs whose time came while the host was down. latest (default): one late run. skip: none. all: each of them, at most 20.",
      ),
    stale_after: staleAfter
      .optional()
      .describe(
        'A late run is not done when more milliseconds have passed, e.g. 7200000 for a "good morning". Default: no limit.',
      ),
    chat: z
      .string()
      .min(1)
      .optional()
      .describe("JID of the chat that gets the result. Only the main group may name another chat."),
  }),
  list_tasks: z.strictObject({}),
  update_task: z.strictObject({
    task_id: taskId.describe("As given by schedule_task or list_tasks."),
    prompt: text.optional().describe("The new text of what is to be done, complete in itself."),
    schedule_type: scheduleTypeSchema.optional().describe("Only together with schedule_value. Default: as it is."),
    schedule_value: scheduleValue.optional().describe("As in schedule_task. Its next run is then found anew from now."),
    zone: zone.optional().describe("IANA time zone; the schedule's local times are then meant in it."),
    context_mode: contextMode.optional().describe("As in schedule_task."),
    missed: missed.optional().describe("As in schedule_task."),
    stale_after: staleAfter.optional().describe("As in schedule_task; null: no limit."),
  }),
  pause_task: z.strictObject({ task_id: taskId.describe("As given by schedule_task or list_tasks.") }),
  resume_task: z.strictObject({ task_id: taskId.describe("As given by schedule_task or list_tasks.") }),
  cancel_task: z.strictObject({ task_id: taskId.describe("As given by schedule_task or list_tasks.") }),
  search_messages: z.strictObject({
    query: z.string().min(1).max(500).describe("Words to look for; all of them must occur."),
    limit: z.int().min(1).max(50).optional().describe("How many results, newest first. Default 20."),
    before: z.string().optional().describe("Only messages before this ISO 8601 time, to page back."),
  }),
  ...groupToolArguments,
} as const;

export type ToolName = keyof typeof toolArguments;
export const toolNames = Object.keys(toolArguments) as ToolName[];
/** Of no use to another group: the host refuses them. */
export const mainTools = Object.keys(groupToolArguments) as ToolName[];
export type ToolArguments<Name extends ToolName> = z.infer<(typeof toolArguments)[Name]>;

export const toolDescriptions: Record<ToolName, string> = {
  send_message:
    "Send a message to the chat now, while you go on working: a first result, a question, news of a long job. Your final answer is sent by itself, in a scheduled task, too; do not repeat it with this tool. Returns the message's id.",
  send_file:
    "Send a file to the chat: a picture, a document, anything of at most 64 MiB. It is copied when you call this; later changes are not sent. Returns the message's id.",
  schedule_task:
    "Have something done later or again and again: reminders, daily summaries, checks. At that time you are run with the prompt, and your final answer goes to the chat by itself. Returns the task's id and its next run.",
  list_tasks: "The tasks of this group (of all groups in the main group) that are active or paused, next one first.",
  update_task:
    "Change a task that is active or paused: what is to be done, when, in which zone. Name only what is to change; it keeps its id, its chat and its history. Returns the task as it is now, with its next run.",
  pause_task:
    "Stop a task for a while. A run that waits to begin is dropped, one that has begun goes on. Use cancel_task when it is not to come back.",
  resume_task:
    "Let a paused task go on. It runs at its next time; what fell into the pause is not made up for. A one-time task whose time has passed needs a new one first (update_task).",
  cancel_task: "End a task for good. Use list_tasks first when you do not know its id.",
  search_messages:
    "Search what was said in this group before, by words. Use it when the person refers to something that you do not see.",
  ...groupToolDescriptions,
};

/** A task as the tools show it. Times are ISO 8601 with offset in the task's own zone. */
export const taskViewSchema = z.strictObject({
  task_id: z.string(),
  group: z.string(),
  chat: z.string(),
  prompt: z.string(),
  schedule_type: scheduleTypeSchema,
  schedule_value: z.string(),
  zone: z.string(),
  context_mode: contextMode,
  missed: missedPolicySchema,
  /** Milliseconds; null: no limit. */
  stale_after: z.number().nullable(),
  status: z.enum(["active", "paused", "completed", "cancelled", "failed"]),
  /** Null while it is paused, and when it will not run again. */
  next_run: z.string().nullable(),
});
export type TaskView = z.infer<typeof taskViewSchema>;

export const toolResults = {
  send_message: z.strictObject({
    message_id: z.string(),
    /** All of them, in order, when a long text became several messages. */
    message_ids: z.array(z.string()).optional(),
  }),
  send_file: z.strictObject({ message_id: z.string() }),
  schedule_task: taskViewSchema,
  list_tasks: z.strictObject({ tasks: z.array(taskViewSchema) }),
  update_task: taskViewSchema,
  pause_task: taskViewSchema,
  resume_task: taskViewSchema,
  cancel_task: taskViewSchema,
  search_messages: z.strictObject({
    messages: z.array(z.strictObject({ time: z.string(), sender: z.string(), text: z.string() })),
    /** True when older matches exist: ask again with `before` set to the last one's time. */
    more: z.boolean(),
  }),
  ...groupToolResults,
} as const;
export type ToolResult<Name extends ToolName> = z.infer<(typeof toolResults)[Name]>;
