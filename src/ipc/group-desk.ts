import type { GroupView, Senders } from "../domain/group.ts";
import type { GroupLimits } from "../domain/group-rights.ts";
import type { Folder } from "../domain/ids.ts";

/** Registering, changing and removing groups, as the request of an agent needs it. */
export interface GroupDesk {
  list(): GroupView[];
  /** Groups of the network that the account is in; undefined when nobody can tell now. */
  known(): readonly { jid: string; name: string }[] | undefined;
  /** The host's own limits. */
  limits: GroupLimits;
  register(request: Registration): DeskOutcome;
  change(folder: string, request: Change): DeskOutcome;
  remove(folder: string): DeskOutcome;
  /** Groups were registered or changed; once that is committed. */
  changed(): void;
  /** The group is gone from the ledger: ends what runs and waits in it. */
  removed(folder: Folder): void;
}

export type DeskOutcome = { ok: true; group: GroupView } | { ok: false; problem: string };

export interface Change {
  name?: string | undefined;
  trigger?: string | null | undefined;
  requiresTrigger?: boolean | undefined;
  senders?: Senders | undefined;
  settings?: Record<string, unknown> | undefined;
}

export interface Registration extends Change {
  name: string;
  folder: string;
  jid?: string | undefined;
  join?: boolean | undefined;
}
