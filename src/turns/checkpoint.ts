/** Points at which a test may end the host; each is a place where a crash once cost a message somewhere. */
export type Checkpoint =
  | "after-claim"
  | "after-spawn"
  | "after-ready"
  | "after-input"
  | "after-answer"
  | "before-send"
  | "after-send"
  | "after-command";
