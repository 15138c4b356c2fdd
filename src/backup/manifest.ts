import { z } from "zod";

/** Grows when an older NanoClaw could not restore what is written now. */
export const FORMAT = 1;

export const MANIFEST = "manifest.json";
export const CHECKSUMS = "checksums.json";

/** The first entry: what this is, and whether it can be restored here. */
export const manifestSchema = z.object({
  format: z.literal(FORMAT),
  product: z.literal("nanoclaw"),
  version: z.string(),
  created: z.iso.datetime(),
  /** Of the chats without a zone of their own, where it was made. */
  zone: z.string(),
  /** A host was at work. */
  hostRunning: z.boolean(),
  withLogs: z.boolean(),
  /** By database. */
  migrations: z.record(z.string(), z.array(z.string())),
  /** About how much room the content takes. */
  bytes: z.int().min(0),
});
export type Manifest = z.infer<typeof manifestSchema>;

const entrySchema = z.discriminatedUnion("type", [
  z.strictObject({ path: z.string(), type: z.literal("file"), size: z.int().min(0), sha256: z.string() }),
  z.strictObject({ path: z.string(), type: z.literal("folder") }),
  z.strictObject({ path: z.string(), type: z.literal("link"), target: z.string() }),
]);
/** An entry as it was written. */
export type Written = z.infer<typeof entrySchema>;

const leftOutSchema = z.strictObject({
  path: z.string(),
  why: z.string(),
  /** Somebody may miss it: it is no mere socket or pipe. */
  missed: z.boolean(),
});
export type LeftOut = z.infer<typeof leftOutSchema>;

/**
 * The last entry. Sums stand at the end, because a file of a running home is read once: what was read
 * is what is kept, and the sum is of that. An archive without this entry was cut off.
 */
export const checksumsSchema = z.object({
  entries: z.array(entrySchema),
  leftOut: z.array(leftOutSchema),
  /** Files that somebody wrote to while they were read. */
  changed: z.array(z.string()),
});
export type Checksums = z.infer<typeof checksumsSchema>;

/** Is it the manifest of a format that is newer than ours? */
export const newerSchema = z.object({
  format: z.int().gt(FORMAT),
  product: z.literal("nanoclaw"),
  version: z.string().catch("?"),
});
