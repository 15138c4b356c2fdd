import { z } from "zod";

/**
 * The tools of the MCP server `nanoclaw`: what an agent may ask the host for. The runner shows
 * these schemas to the agent, the host parses requests with the same ones.
 */
const text = z.string().min(1).max(65_536);
const taskId = z.string().regex(/^task-[a-z0-9]{8}$/);

export const scheduleTypeSchema = z.enum(["cron", "interval", "once"]);
export type ScheduleType = z.infer<typeof scheduleTypeSchema>;

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
    schedule_value: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'cron: five fields, e.g. "0 8 * * 1-5". interval: milliseconds, at least 60000. once: local time as ISO 8601 without offset, e.g. "2026-11-23T09:00:00".',
      ),
    zone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe("IANA time zone of the schedule, e.g. Europe/Berlin. Default: the chat's."),
    context_mode: z
      .enum(["group", "isolated"])
      .optional()
      .describe("group (default): the later run continues this group's conversation. isolated: it starts fresh."),
    chat: z
      .string()
      .min(1)
      .optional()
      .describe("JID of the chat that gets the result. Only the main group may name another chat."),
  }),
  list_tasks: z.strictObject({}),
  cancel_task: z.strictObject({ task_id: taskId.describe("As given by schedule_task or list_tasks.") }),
  search_messages: z.strictObject({
    query: z.string().min(1).max(500).describe("Words to look for; all of them must occur."),
    limit: z.int().min(1).max(50).optional().describe("How many results, newest first. Default 20."),
    before: z.string().optional().describe("Only messages before this ISO 8601 time, to page back."),
  }),
} as const;

export type ToolName = keyof typeof toolArguments;
export const toolNames = Object.keys(toolArguments) as ToolName[];
export type ToolArguments<Name extends ToolName> = z.infer<(typeof toolArguments)[Name]>;

export const toolDescriptions: Record<ToolName, string> = {
  send_message:
    "Send a message to the chat now, while you go on working: a first result, a question, news of a long job. Your final answer is sent by itself; do not repeat it with this tool. Returns the message's id.",
  send_file:
    "Send a file to the chat: a picture, a document, anything of at most 64 MiB. It is copied when you call this; later changes are not sent. Returns the message's id.",
  schedule_task:
    "Have something done later or again and again: reminders, daily summaries, checks. At that time you are run with the prompt, and what you answer goes to the chat. Returns the task's id and its next run.",
  list_tasks: "The tasks of this group (of all groups in the main group) that are active or paused, next one first.",
  cancel_task: "End a task for good. Use list_tasks first when you do not know its id.",
  search_messages:
    "Search what was said in this group before, by words. Use it when the person refers to something that you do not see.",
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
  context_mode: z.enum(["group", "isolated"]),
  status: z.enum(["active", "paused", "completed", "cancelled", "failed"]),
  /** Null when it will not run again. */
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
  cancel_task: taskViewSchema,
  search_messages: z.strictObject({
    messages: z.array(z.strictObject({ time: z.string(), sender: z.string(), text: z.string() })),
    /** True when older matches exist: ask again with `before` set to the last one's time. */
    more: z.boolean(),
  }),
} as const;
export type ToolResult<Name extends ToolName> = z.infer<(typeof toolResults)[Name]>;
