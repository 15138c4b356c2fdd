/**
 * Migrations in order, by name. One that was released is never edited: a change is a new one.
 * Times are epoch milliseconds; ids are text; JSON columns are parsed where rows become objects.
 */
export const migrations: readonly { name: string; sql: string }[] = [
  {
    name: "001-ledger",
    sql: `
      -- Facts that the host keeps about itself (install id, proved owner, agent login seen, …).
      CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

      -- Every chat that was ever seen, registered or not: of the others only that they exist.
      CREATE TABLE chats (
        jid TEXT PRIMARY KEY,
        channel TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        last_message_at INTEGER,
        -- Outbox row up to which a person has seen the replies (local chats only).
        shown_seq INTEGER NOT NULL DEFAULT 0
      ) STRICT;

      CREATE TABLE registered_groups (
        folder TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        added_at INTEGER NOT NULL,
        settings TEXT NOT NULL DEFAULT '{}'
      ) STRICT;

      CREATE TABLE registered_chats (
        jid TEXT PRIMARY KEY,
        folder TEXT NOT NULL REFERENCES registered_groups(folder),
        name TEXT NOT NULL,
        trigger_pattern TEXT,
        requires_trigger INTEGER NOT NULL,
        senders TEXT NOT NULL,
        -- Messages up to this seq are answered, given up or passed over.
        answered_seq INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX registered_chats_folder ON registered_chats(folder);

      CREATE TABLE messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        chat_jid TEXT NOT NULL,
        sender TEXT NOT NULL,
        id TEXT NOT NULL,
        folder TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        from_owner INTEGER NOT NULL,
        from_assistant INTEGER NOT NULL,
        content TEXT NOT NULL,
        quote_id TEXT,
        quote_text TEXT,
        sent_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        decision TEXT NOT NULL CHECK (decision IN ('ignored', 'context', 'wakes')),
        reason TEXT NOT NULL,
        -- Ids are chosen by clients: only the three together name a message.
        UNIQUE (chat_jid, sender, id)
      ) STRICT;
      CREATE INDEX messages_chat ON messages(chat_jid, seq) WHERE decision <> 'ignored';
      CREATE INDEX messages_wakes ON messages(chat_jid, seq) WHERE decision = 'wakes';
      CREATE INDEX messages_folder ON messages(folder, seq);

      CREATE VIRTUAL TABLE messages_fts USING fts5(
        content, content='messages', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
      );
      CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages BEGIN
        INSERT INTO messages_fts(rowid, content) VALUES (new.seq, new.content);
      END;
      CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages BEGIN
        INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.seq, old.content);
      END;
      CREATE TRIGGER messages_fts_update AFTER UPDATE OF content ON messages BEGIN
        INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.seq, old.content);
        INSERT INTO messages_fts(rowid, content) VALUES (new.seq, new.content);
      END;

      CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        folder TEXT NOT NULL,
        chat_jid TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('message', 'task')),
        task_id TEXT,
        -- queued: waits for due_at. running: an attempt is open. The others are ends.
        status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'answered', 'failed', 'interrupted', 'cancelled')),
        -- Place in the line: the ledger's newest message when the waiting began. No clock in it.
        queue_seq INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        -- Set when the input of the latest attempt was written: the messages it holds.
        from_seq INTEGER,
        to_seq INTEGER,
        task_due_at INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        acted INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0,
        stop_reason TEXT,
        failure_class TEXT,
        failure_detail TEXT,
        created_at INTEGER NOT NULL,
        ended_at INTEGER
      ) STRICT;
      CREATE UNIQUE INDEX turns_one_per_folder ON turns(folder) WHERE status = 'running';
      CREATE UNIQUE INDEX turns_one_open_per_chat ON turns(chat_jid) WHERE kind = 'message' AND status IN ('queued', 'running');
      CREATE UNIQUE INDEX turns_one_open_per_task ON turns(task_id) WHERE task_id IS NOT NULL AND status IN ('queued', 'running');
      CREATE INDEX turns_queued ON turns(due_at) WHERE status = 'queued';
      CREATE INDEX turns_chat ON turns(chat_jid);

      CREATE TABLE attempts (
        turn_id TEXT NOT NULL REFERENCES turns(id),
        n INTEGER NOT NULL,
        -- Set together with the handle.
        runtime TEXT,
        frame_token TEXT NOT NULL,
        -- How the runtime finds process or container again; null until it was started.
        handle TEXT,
        status TEXT NOT NULL CHECK (status IN ('open', 'answered', 'failed', 'interrupted', 'cancelled')),
        failure_class TEXT,
        failure_detail TEXT,
        started_at INTEGER NOT NULL,
        ready_at INTEGER,
        input_at INTEGER,
        answer_at INTEGER,
        ended_at INTEGER,
        PRIMARY KEY (turn_id, n)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX attempts_open ON attempts(turn_id) WHERE ended_at IS NULL;

      CREATE TABLE sessions (
        group_folder TEXT NOT NULL,
        agent TEXT NOT NULL,
        session_id TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (group_folder, agent)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        chat_jid TEXT NOT NULL,
        folder TEXT NOT NULL,
        -- Final: chosen here, repeated with every send.
        message_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('text', 'file')),
        content TEXT NOT NULL,
        file TEXT,
        source TEXT NOT NULL CHECK (source IN ('answer', 'send_message', 'notice')),
        turn_id TEXT,
        task_id TEXT,
        -- folder/request id of the request it came from: executing it twice changes nothing.
        request_key TEXT UNIQUE,
        status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed')),
        sends INTEGER NOT NULL DEFAULT 0,
        next_send_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        sent_at INTEGER,
        error TEXT
      ) STRICT;
      CREATE INDEX outbox_pending ON outbox(chat_jid, seq) WHERE status = 'pending';
      CREATE INDEX outbox_chat ON outbox(chat_jid, seq);
      CREATE INDEX outbox_turn ON outbox(turn_id);

      CREATE TABLE requests (
        folder TEXT NOT NULL,
        id TEXT NOT NULL,
        turn_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        response TEXT NOT NULL,
        executed_at INTEGER NOT NULL,
        PRIMARY KEY (folder, id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX requests_age ON requests(executed_at);

      CREATE TABLE scheduled_tasks (
        id TEXT PRIMARY KEY,
        group_folder TEXT NOT NULL,
        chat_jid TEXT NOT NULL,
        prompt TEXT NOT NULL,
        schedule_type TEXT NOT NULL CHECK (schedule_type IN ('cron', 'interval', 'once')),
        schedule_value TEXT NOT NULL,
        zone TEXT NOT NULL,
        context_mode TEXT NOT NULL CHECK (context_mode IN ('group', 'isolated')),
        status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'completed', 'cancelled', 'failed')),
        missed TEXT NOT NULL DEFAULT 'latest' CHECK (missed IN ('latest', 'skip', 'all')),
        -- Milliseconds after which a missed run is not worth doing; null: no limit.
        stale_after INTEGER,
        next_run INTEGER,
        last_run INTEGER,
        last_result TEXT,
        created_at INTEGER NOT NULL,
        created_turn TEXT
      ) STRICT;
      CREATE INDEX scheduled_tasks_due ON scheduled_tasks(next_run) WHERE status = 'active';
      CREATE INDEX scheduled_tasks_folder ON scheduled_tasks(group_folder);

      CREATE TABLE task_run_logs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task_id TEXT NOT NULL REFERENCES scheduled_tasks(id),
        turn_id TEXT,
        due_at INTEGER NOT NULL,
        run_at INTEGER,
        duration_ms INTEGER,
        status TEXT NOT NULL CHECK (status IN ('queued', 'success', 'error', 'skipped', 'cancelled')),
        result TEXT,
        error TEXT
      ) STRICT;
      CREATE INDEX task_run_logs_task ON task_run_logs(task_id, id);
      CREATE INDEX task_run_logs_turn ON task_run_logs(turn_id);
    `,
  },
  {
    name: "002-fresh-start",
    sql: `
      -- When the group was last told to start anew: nothing said before is handed to the agent again.
      ALTER TABLE registered_groups ADD COLUMN fresh_at INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX outbox_folder ON outbox(folder, seq);
    `,
  },
  {
    name: "003-whatsapp",
    sql: `
      -- JSON; null: none.
      ALTER TABLE messages ADD COLUMN attachments TEXT;
      -- The quoted text is the sender's word alone: the ledger does not have that message.
      ALTER TABLE messages ADD COLUMN quote_claimed INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX messages_id ON messages(chat_jid, id);

      -- The number of the account that this chat was registered for; null: a chat without an account.
      ALTER TABLE registered_chats ADD COLUMN account TEXT;

      -- A failure that the group's agent has been told of.
      ALTER TABLE outbox ADD COLUMN agent_told INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX outbox_failed ON outbox(seq) WHERE status = 'failed' AND agent_told = 0;

      -- One person, two ids. The phone number is the name that the ledger uses once it is known.
      CREATE TABLE persons (
        lid TEXT PRIMARY KEY,
        pn TEXT NOT NULL,
        -- 0: the rows under the LID could not be given to the number yet, as a turn runs there.
        merged INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX persons_pn ON persons(pn);

      -- Registered groups of a network as it last described them.
      CREATE TABLE network_groups (
        jid TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        -- JSON: whatever the channel keeps of members and rights.
        facts TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    name: "005-tasks",
    sql: `
      -- Missed runs that are made up for one after the other.
      CREATE INDEX task_run_logs_waiting ON task_run_logs(task_id, id) WHERE status = 'queued' AND turn_id IS NULL;
      CREATE INDEX scheduled_tasks_turn ON scheduled_tasks(created_turn) WHERE created_turn IS NOT NULL;
      CREATE INDEX scheduled_tasks_open ON scheduled_tasks(group_folder) WHERE status IN ('active', 'paused');

      -- Times that were once accepted and cannot be read: at most ten years of interval, and the year 9999.
      UPDATE scheduled_tasks SET schedule_value = '315576000000', next_run = min(next_run, created_at + 315576000000)
        WHERE schedule_type = 'interval' AND CAST(schedule_value AS INTEGER) > 315576000000;
      UPDATE scheduled_tasks SET next_run = 253402300799999 WHERE next_run > 253402300799999;
    `,
  },
];
