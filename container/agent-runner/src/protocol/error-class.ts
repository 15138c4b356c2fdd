import { z } from "zod";

/**
 * Why a turn failed, by cause: the cause decides whether it is tried again, when, and what the
 * person is told.
 */
export const errorClasses = [
  "logged-out",
  "agent-missing",
  "limit-reached",
  "engine-down",
  "image-mismatch",
  "timeout",
  "silence",
  "output-cap",
  "disk",
  "crash",
] as const;

export const errorClassSchema = z.enum(errorClasses);
export type ErrorClass = z.infer<typeof errorClassSchema>;
