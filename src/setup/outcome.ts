/** In the order in which they are done. Scripts name them. */
export const stepNames = [
  ...(["environment", "engine", "image", "kiro", "whatsapp"] as const),
  ...(["main", "groups", "mounts", "service", "test"] as const),
] as const;
export type StepName = (typeof stepNames)[number];

export type Outcome =
  | { status: "done"; detail: string }
  | { status: "skipped"; detail: string; cure?: string }
  | { status: "failed"; detail: string; cure?: string }
  /** An answer is missing that has no safe default, and nobody is there to be asked. */
  | { status: "needs"; detail: string; flag: string };
