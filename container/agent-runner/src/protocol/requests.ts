import { z } from "zod";
import { PROTOCOL_VERSION } from "./version.ts";

/** File names in `requests/` and `responses/`: `<id>.json`. */
export const requestIdSchema = z.string().regex(/^[a-z0-9]{16}$/);

/** Largest file that `send_file` takes, in bytes. Its copy is `outgoing/<request id>`. */
export const OUTGOING_MAX_BYTES = 64 * 1024 * 1024;

/** Largest request or response file in bytes; what is larger is refused unread. */
export const REQUEST_MAX_BYTES = 256 * 1024;

/**
 * A tool call on its way to the host, as a file: a socket does not cross Docker Desktop's VM.
 * Who asks is told by the folder the file lies in, never by its content.
 */
export const requestSchema = z.strictObject({
  protocol: z.literal(PROTOCOL_VERSION),
  turn: z.string().max(64),
  attempt: z.int().min(1),
  chat: z.string().min(1).max(256),
  tool: z.string().min(1).max(64),
  args: z.unknown(),
});
export type Request = z.infer<typeof requestSchema>;

export const responseSchema = z.discriminatedUnion("ok", [
  z.strictObject({ ok: z.literal(true), result: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error: z.string() }),
]);
export type Response = z.infer<typeof responseSchema>;
