import type { LinkStore } from "./link-store.ts";

/** A link that this process holds, until it is closed. */
export interface OpenLink {
  id: number;
  store: LinkStore;
  /** As they were stored last. */
  creds: string;
  /** Own id with the device. */
  account: string;
  /** False once somebody moved the folder away. */
  isInPlace(): boolean;
  close(): void;
}

export type LinkState =
  | { kind: "open"; link: OpenLink }
  /** Nobody linked this machine. */
  | { kind: "none" }
  /** WhatsApp said for good that it is not linked any more. */
  | { kind: "refused"; account: string }
  /** Another program works with it. */
  | { kind: "held"; by: string }
  | { kind: "unusable"; reason: string };

/** Where the link is kept; whoever opens it holds it alone. */
export interface Links {
  open(): LinkState;
  /** Changes whenever the link may have changed. */
  stamp(): string;
}
