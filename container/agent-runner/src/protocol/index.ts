export { PROTOCOL_VERSION } from "./version.ts";
export { errorClasses, errorClassSchema, type ErrorClass } from "./error-class.ts";
export { agentSettingsSchema, turnInputSchema, type AgentSettings, type TurnInput } from "./input.ts";
export { answerSchema, frameBodySchema, frameSchema, parseFrame, parseReady } from "./frames.ts";
export type { GroupToolView } from "./group-tools.ts";
export { readyLine } from "./ready-line.ts";
export { createRedactingStream, createRedactor, type RedactingStream, type Redaction } from "./redact.ts";
export type { Answer, Frame, FrameBody, ReadyFrame } from "./frames.ts";
export {
  OUTGOING_MAX_BYTES,
  REQUEST_MAX_BYTES,
  requestIdSchema,
  requestSchema,
  responseSchema,
  type Request,
  type Response,
} from "./requests.ts";
export {
  mainTools,
  scheduleTypeSchema,
  taskViewSchema,
  toolArguments,
  toolDescriptions,
  toolNames,
  toolResults,
} from "./tools.ts";
export type { ScheduleType, TaskView, ToolArguments, ToolName, ToolResult } from "./tools.ts";
