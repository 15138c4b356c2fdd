import { z } from "zod";

/** What Kiro's `stream-json` and the ACP updates in it are read for; everything else is let pass. */
const eventSchema = z.object({ type: z.string(), data: z.unknown().optional() });

const updateSchema = z.object({
  sessionUpdate: z.string(),
  content: z.unknown().optional(),
  toolCallId: z.string().optional().catch(undefined),
  title: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  _meta: z
    .object({
      kiro: z
        .object({
          toolName: z.string().optional().catch(undefined),
          mcpServerName: z.string().optional().catch(undefined),
          replay: z.boolean().optional().catch(undefined),
        })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});
export type SessionUpdate = z.infer<typeof updateSchema>;

const dataSchema = z.object({
  sessionId: z.string().min(1).optional().catch(undefined),
  update: updateSchema.optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  stopReason: z.string().optional().catch(undefined),
  finalText: z.string().optional().catch(undefined),
  finalTextTruncated: z.boolean().optional().catch(undefined),
  stage: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  /** What the turn has cost so far, in parts. */
  meteringUsage: z
    .array(z.object({ value: z.number() }))
    .optional()
    .catch(undefined),
});

export interface StreamEvent {
  type: string;
  data: z.infer<typeof dataSchema>;
  /** For messages that nobody knows the place of. */
  json: string;
}

/** A line of `stream-json`, or nothing: it is another program's, or no JSON at all. Never throws. */
export function readStreamEvent(line: string): StreamEvent | undefined {
  const text = line.trim();
  if (!text.startsWith("{")) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // half a line, or somebody's words
  }
  const event = eventSchema.safeParse(json);
  if (!event.success) return undefined;
  const data = dataSchema.safeParse(event.data.data);
  return { type: event.data.type, data: data.success ? data.data : {}, json: text };
}

const textSchema = z.object({ type: z.literal("text"), text: z.string() });

/** The text of a message chunk; empty for pictures and the like. */
export function chunkText(update: SessionUpdate): string {
  const content = textSchema.safeParse(update.content);
  return content.success ? content.data.text : "";
}
