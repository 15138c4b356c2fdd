import { openDatabase, type Database } from "./database.ts";
import { groupTable, type Groups } from "./groups.ts";
import { messageTable, type Messages } from "./messages.ts";
import { networkGroupTable, type NetworkGroups } from "./network-groups.ts";
import { outboxTable, type Outbox } from "./outbox.ts";
import { personTable, type Persons } from "./persons.ts";
import { requestTable, type Requests } from "./requests.ts";
import { retentionTable, type Retention } from "./retention.ts";
import { sessionTable, type Sessions } from "./sessions.ts";
import { settingsTable, type SettingsTable } from "./settings.ts";
import { taskTable, type Tasks } from "./tasks.ts";
import { turnTable, type Turns } from "./turns.ts";

/** The ledger and everything beside it, in one file. */
export interface Store extends Disposable {
  groups: Groups;
  messages: Messages;
  turns: Turns;
  outbox: Outbox;
  requests: Requests;
  retention: Retention;
  sessions: Sessions;
  settings: SettingsTable;
  tasks: Tasks;
  persons: Persons;
  networkGroups: NetworkGroups;
  /** All or nothing; calls may nest. */
  transaction<T>(work: () => T): T;
}

/** @throws {StoreError} see `openDatabase`. `:memory:` gives an empty store for a test. */
export function openStore(path: string): Store {
  const db: Database = openDatabase(path);
  return {
    groups: groupTable(db),
    messages: messageTable(db),
    turns: turnTable(db),
    outbox: outboxTable(db),
    requests: requestTable(db),
    retention: retentionTable(db),
    sessions: sessionTable(db),
    settings: settingsTable(db),
    tasks: taskTable(db),
    persons: personTable(db),
    networkGroups: networkGroupTable(db),
    transaction: db.transaction,
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}
