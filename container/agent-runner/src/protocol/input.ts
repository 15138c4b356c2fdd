import { z } from "zod";
import { PROTOCOL_VERSION } from "./version.ts";

/** What a backend is asked to be. */
export const agentSettingsSchema = z.discriminatedUnion("backend", [
  z.strictObject({
    backend: z.literal("offline"),
    /** The name the person calls the assistant by. */
    assistantName: z.string().min(1),
  }),
  z.strictObject({
    backend: z.literal("kiro"),
    assistantName: z.string().min(1),
    /** Kiro's name of the agent; the host has written its file before. */
    name: z.string().min(1),
    /** Null leaves the choice to the agent file, or to Kiro. */
    model: z.string().min(1).nullable(),
    /** Other groups' conversations lie in the same store: only an id may resume, never "the newest". */
    sharedStore: z.boolean(),
  }),
]);
export type AgentSettings = z.infer<typeof agentSettingsSchema>;

/**
 * One turn, as one line of JSON on the runner's stdin. It is the only thing the runner ever acts
 * on: end of file before the line is complete means that nothing was asked.
 */
export const turnInputSchema = z.strictObject({
  protocol: z.literal(PROTOCOL_VERSION),
  turn: z.string().regex(/^[a-z0-9]{12}$/),
  attempt: z.int().min(1),
  kind: z.enum(["message", "task"]),
  group: z.strictObject({ folder: z.string().min(1), name: z.string(), main: z.boolean() }),
  chat: z.strictObject({
    jid: z.string().min(1),
    name: z.string(),
    /** IANA time zone of the chat. */
    zone: z.string().min(1),
  }),
  prompt: z.string().min(1),
  /**
   * The host's wall clock when it wrote this, epoch ms. Schedules are kept by the host's clock; the
   * one inside may differ (a virtual machine that slept).
   */
  now: z.int().min(0),
  /** The agent's session to resume; null starts a new one. */
  session: z.string().nullable(),
  /**
   * What was said in this group before, by the host's ledger. Given to the agent only when its own
   * memory of it is gone: no session, or one that cannot be resumed. Null when there is nothing.
   */
  recap: z.string().min(1).nullable(),
  agent: agentSettingsSchema,
  limits: z.strictObject({
    /** Bytes of frames the runner may write before the host ends the run. */
    outputBytes: z.int().min(1024),
  }),
  /** Credentials; they exist nowhere else inside. */
  secrets: z.record(z.string(), z.string()),
  /** Marks our frames among log noise. It is no border: the agent can read it. */
  frameToken: z.string().min(16),
  oneShot: z.boolean(),
});

export type TurnInput = z.infer<typeof turnInputSchema>;
