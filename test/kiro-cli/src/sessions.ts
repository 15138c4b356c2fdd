import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { hasBug, kiroHome, type Cli, type Engine } from "./cli.ts";
import { asObject, asText, parseObject, type Json } from "./json.ts";

export interface Turn {
  user: string;
  answer: string;
}

export interface Session {
  id: string;
  createdAt: number;
  turns: Turn[];
}

export interface Listed {
  sessionId: string;
  source: Engine;
  title: string;
  updatedAt: number;
  messages: number;
}

/** docs/kiro-facts.md 5. A store reads at the start, writes whole at the end: whoever ends last wins. */
export interface Store {
  list(): Listed[];
  /** Of any directory. A string says why a session that is there cannot be used. */
  load(id: string): Session | string | undefined;
  begin(session: Session, prompt: string): void;
  end(session: Session): void;
  remove(id: string): boolean;
}

export function createStore(cli: Cli, db: DatabaseSync, engine: Engine): Store {
  const store = { v1: () => databaseStore(cli, db), v2: () => fileStore(cli), v3: () => folderStore(cli) }[engine]();
  if (!hasBug(cli, engine, "sessions-not-stored")) return store;
  return { ...store, begin: () => undefined, end: () => undefined };
}

export function newSession(engine: Engine): Session {
  return { id: engine === "v3" ? `sess_${randomUUID()}` : randomUUID(), createdAt: Date.now(), turns: [] };
}

export function newestOf(store: Store): Session | string | undefined {
  const [newest] = store.list().sort((one, other) => other.updatedAt - one.updatedAt);
  return newest === undefined ? undefined : store.load(newest.sessionId);
}

const titleOf = (turns: readonly Turn[]) => (turns[0]?.user ?? "").replaceAll(/\s+/g, " ").slice(0, 40);

/** V1: rows of the directory as a string, nothing else in the key. */
function databaseStore(cli: Cli, db: DatabaseSync): Store {
  const legacy = cli.settings.legacyTable === true;
  const table = legacy ? "conversations" : "conversations_v2";
  const read = (row: Json | undefined): Session | undefined => {
    if (row === undefined) return undefined;
    const value = parseObject(asText(row["value"])) ?? {};
    const history = Array.isArray(value["history"]) ? value["history"].map(asObject) : [];
    const turns = history.map(({ user, assistant }) => ({
      user: asText(asObject(asObject(asObject(user)["content"])["Prompt"])["prompt"]),
      answer: asText(asObject(asObject(assistant)["Response"])["content"]),
    }));
    return { id: asText(value["conversation_id"]), createdAt: Number(row["created_at"] ?? 0), turns };
  };
  const listed = (row: Json): Listed => {
    const { id = "", turns = [] } = read(row) ?? {};
    const updatedAt = Number(row["updated_at"] ?? 0);
    return { sessionId: id, source: "v1", title: titleOf(turns), updatedAt, messages: turns.length * 2 };
  };
  const save = ({ id, createdAt, turns }: Session) => {
    const history = turns.map(({ user, answer }) => ({
      user: { content: { Prompt: { prompt: user } } },
      assistant: { Response: { message_id: randomUUID(), content: answer } },
    }));
    const value = JSON.stringify({ conversation_id: id, history });
    if (legacy) db.prepare("INSERT OR REPLACE INTO conversations (key, value) VALUES (?, ?)").run(cli.cwd, value);
    else {
      const columns = "key, conversation_id, value, created_at, updated_at";
      db.prepare(`INSERT OR REPLACE INTO conversations_v2 (${columns}) VALUES (?, ?, ?, ?, ?)`).run(
        ...[cli.cwd, id, value, createdAt, Date.now()],
      );
    }
  };
  const all = () => db.prepare(`SELECT * FROM ${table}`).all();
  return {
    list: () =>
      all()
        .filter(({ key }) => key === cli.cwd)
        .map(listed),
    load: (id) => read(all().find((row) => read(row)?.id === id)),
    begin: () => undefined,
    end: save,
    remove: (id) => !legacy && db.prepare("DELETE FROM conversations_v2 WHERE conversation_id = ?").run(id).changes > 0,
  };
}

/** V2: `<id>.jsonl` grows during the turn, `<id>.json` follows at its end. */
function fileStore(cli: Cli): Store {
  const folder = join(kiroHome(cli), "sessions", "cli");
  const path = (id: string, end: string) => join(folder, `${id}.${end}`);
  const metadata = (id: string) => parseObject(readFileSync(path(id, "json"), "utf8"));
  const record = (kind: string, text: string) => {
    const data = { message_id: randomUUID(), content: [{ kind: "text", data: text }] };
    return `${JSON.stringify({ version: "v1", kind, data })}\n`;
  };
  const tracked = (meta: Json) => {
    const list = asObject(asObject(meta["session_state"])["conversation_metadata"])["user_turn_metadatas"];
    return Array.isArray(list) ? list.length : 0;
  };
  const write = ({ id, createdAt, turns }: Session) => {
    const user_turn_metadatas = turns.map(() => ({
      end_timestamp: new Date().toISOString(),
      metering_usage: [{ value: 0.07, unit: "credit", unitPlural: "credits" }],
    }));
    const meta = {
      ...{ session_id: id, cwd: cli.cwd, title: titleOf(turns) },
      ...{ created_at: new Date(createdAt).toISOString(), updated_at: new Date().toISOString() },
      session_state: { version: "v1", conversation_metadata: { user_turn_metadatas } },
    };
    writeFileSync(path(id, "json"), JSON.stringify(meta));
  };
  const load = (id: string): Session | string | undefined => {
    if (!/^[\w-]+$/.test(id) || !existsSync(path(id, "json"))) return undefined;
    const meta = metadata(id);
    if (meta === undefined) return "failed to parse session metadata"; // #6949
    const turns = turnsOf(existsSync(path(id, "jsonl")) ? readFileSync(path(id, "jsonl"), "utf8") : "");
    const ahead = turns.length > tracked(meta);
    if (ahead && hasBug(cli, "v2", "killed-turn-unresumable")) return "Agent connection closed unexpectedly";
    const holder = existsSync(path(id, "lock"))
      ? Number(parseObject(readFileSync(path(id, "lock"), "utf8"))?.["pid"])
      : 0;
    if (isAlive(holder) && hasBug(cli, "v2", "lock-honoured")) {
      return `Session is active in another process (PID ${holder})`;
    }
    return { id, createdAt: Date.parse(asText(meta["created_at"])), turns: turns.slice(0, tracked(meta)) };
  };
  const listed = (id: string): Listed[] => {
    const meta = metadata(id);
    if (meta === undefined || meta["cwd"] !== cli.cwd) return [];
    const updatedAt = Date.parse(asText(meta["updated_at"]));
    return [{ sessionId: id, source: "v2", title: asText(meta["title"]), updatedAt, messages: tracked(meta) * 2 }];
  };
  return {
    list: () =>
      namesIn(folder)
        .filter((name) => name.endsWith(".json"))
        .flatMap((name) => listed(name.slice(0, -5))),
    load,
    begin: (session, prompt) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(
        path(session.id, "lock"),
        JSON.stringify({ pid: process.pid, started_at: new Date().toISOString() }),
      );
      if (session.turns.length === 0) write(session);
      appendFileSync(path(session.id, "jsonl"), record("Prompt", prompt));
      appendFileSync(path(session.id, "history"), `${JSON.stringify(prompt)}\n`);
    },
    end: (session) => {
      const lines = session.turns.map(
        ({ user, answer }) => record("Prompt", user) + record("AssistantMessage", answer),
      );
      writeFileSync(path(session.id, "jsonl"), lines.join(""));
      write(session);
      rmSync(path(session.id, "lock"), { force: true });
    },
    remove: (id) => {
      if (!existsSync(path(id, "json"))) return false;
      for (const end of ["json", "jsonl", "lock", "history"]) rmSync(path(id, end), { force: true });
      return true;
    },
  };
}

function turnsOf(lines: string): Turn[] {
  const turns: Turn[] = [];
  for (const line of lines.split("\n").map(parseObject)) {
    const content: unknown = asObject(line?.["data"])["content"];
    const text = Array.isArray(content) ? asText(asObject(content[0])["data"]) : "";
    const last = turns.at(-1);
    if (line?.["kind"] === "Prompt") turns.push({ user: text, answer: "" });
    else if (line?.["kind"] === "AssistantMessage" && last !== undefined) last.answer += text;
  }
  return turns;
}

/** V3: a folder by the directory's hash, in `~/.kiro` whatever `KIRO_HOME` says. */
function folderStore(cli: Cli): Store {
  const root = join(cli.home, ".kiro", "sessions");
  const own = createHash("sha256").update(cli.cwd).digest("hex").slice(0, 16);
  const place = (id: string) => {
    const hash = namesIn(root).find((name) => existsSync(join(root, name, id, "session.json"))) ?? own;
    return join(root, hash, id);
  };
  const meta = (folder: string) => parseObject(readFileSync(join(folder, "session.json"), "utf8")) ?? {};
  const listed = (id: string): Listed => {
    const { title, updatedAt, messages } = meta(place(id));
    return {
      sessionId: id,
      source: "v3",
      title: asText(title),
      updatedAt: Number(updatedAt),
      messages: Number(messages),
    };
  };
  return {
    list: () => namesIn(join(root, own)).map(listed),
    load: (id) => {
      if (!/^sess_[\w-]+$/.test(id) || !existsSync(join(place(id), "session.json"))) return undefined;
      const lines = readFileSync(join(place(id), "messages.jsonl"), "utf8")
        .split("\n")
        .map(parseObject);
      const texts = lines.filter((line) => line !== undefined).map((line) => asText(line["content"]));
      const turns = texts.flatMap((user, at) => (at % 2 === 0 ? [{ user, answer: texts[at + 1] ?? "" }] : []));
      return { id, createdAt: Number(meta(place(id))["createdAt"]), turns };
    },
    begin: () => undefined,
    end: ({ id, createdAt, turns }) => {
      const folder = place(id);
      mkdirSync(folder, { recursive: true });
      const line = (role: string, content: string) => `${JSON.stringify({ role, content })}\n`;
      const lines = turns.map(({ user, answer }) => line("user", user) + line("assistant", answer));
      writeFileSync(join(folder, "messages.jsonl"), lines.join(""));
      const about = { id, cwd: cli.cwd, title: titleOf(turns), createdAt, updatedAt: Date.now() };
      writeFileSync(join(folder, "session.json"), JSON.stringify({ ...about, messages: turns.length * 2 }));
    },
    remove: (id) => {
      if (hasBug(cli, "v3", "delete-v3-fails") || !existsSync(place(id))) return false;
      rmSync(place(id), { recursive: true });
      if (namesIn(dirname(place(id))).length === 0) rmSync(dirname(place(id)), { recursive: true, force: true });
      return true;
    },
  };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
