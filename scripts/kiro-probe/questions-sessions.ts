import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chat } from "./lab.ts";
import { different, expected, judged, named, needs, needsStream, unclear, wayOf, type Question } from "./question.ts";
import { endOf, exitOf, readRun, type Run } from "./runs.ts";
import { isBefore } from "./version.ts";

const NEWEST = { kind: "newest", id: null } as const;
const NOBODYS = "00000000-0000-4000-8000-000000000000";
const byId = (id: string): Pick<Chat, "resume"> => ({ resume: { kind: "id", id } });

/** What became of a conversation that was to go on. */
function goneOn(id: string | undefined, run: Run | undefined): "continued" | "silently new" | "refused" | "unknown" {
  if (!run || id === undefined) return "unknown";
  const { succeeded, session } = readRun(run);
  if (!succeeded) return "refused";
  return session === undefined ? "unknown" : session === id ? "continued" : "silently new";
}
const remembers = (run: Run | undefined): boolean => run !== undefined && /HERON/i.test(readRun(run).answer);

const conversations: Question = {
  id: "conversations",
  asks: "Does the classic engine still write conversations_v2, and does --resume read it?",
  why: "The session markers of older versions mean its newest row (5, 13).",
  prompts: 2,
  unless: needs("plain-classic"),
  ask: async (lab, facts) => {
    const how = { cwd: lab.folder(), way: wayOf(facts, "plain-classic") };
    const first = await lab.chat(facts, "first", { prompt: lab.prompts.remember, ...how });
    const second = await lab.chat(facts, "second", { prompt: lab.prompts.recall, ...how, resume: NEWEST });
    return [first, second];
  },
  judge: (runs) => {
    const written = named(runs, "first")?.stores.some((line) => line.startsWith("conversations_v2(")) === true;
    const back = remembers(named(runs, "second"));
    const seen = `conversations_v2 is ${written ? "" : "not "}written; --resume ${back ? "remembers" : "does not remember"}`;
    return judged(written && back, seen);
  },
};

const resumeKnown: Question = {
  id: "resume-known",
  asks: "Does --resume-id continue that very conversation and name the same id? What does --list-sessions show?",
  why: "A chat that resumes another id has lost its memory (5).",
  prompts: 2,
  unless: ({ capabilities }) => (capabilities.flags.includes("--resume-id") ? undefined : "there is no --resume-id"),
  ask: async (lab, facts) => {
    const cwd = lab.folder();
    const first = await lab.chat(facts, "first", { prompt: lab.prompts.remember, cwd });
    const plain = await lab.run("list", ["chat", "--list-sessions"], { cwd });
    const json = await lab.run("list as JSON", ["chat", "--list-sessions", "--format", "json"], { cwd });
    const id = readRun(first).session ?? listedId(json);
    if (id === undefined) return [first, plain, json];
    return [first, plain, json, await lab.chat(facts, "second", { prompt: lab.prompts.recall, cwd, ...byId(id) })];
  },
  judge: (runs) => {
    const [first, second, json] = ["first", "second", "list as JSON"].map((name) => named(runs, name));
    const id = first && (readRun(first).session ?? (json && listedId(json)));
    if (!second) return different("no session id was to be found");
    const listed = json && listedId(json) === id ? "listed" : "not listed first";
    const how = goneOn(id, second);
    const seen = `${how === "unknown" ? "no id came back" : how}, ${remembers(second) ? "remembers" : "does not remember"}, ${listed}`;
    return judged(how !== "silently new" && how !== "refused" && remembers(second), seen);
  },
};

const listedId = ({ stdout }: Run): string | undefined => /"sessionId"\s*:\s*"([\w-]+)"/.exec(stdout)?.[1];

const resumeUnknown: Question = {
  id: "resume-unknown",
  asks: "What does --resume-id do with an id that nobody has?",
  why: "It may silently start anew (5).",
  prompts: 1,
  unless: needsStream,
  ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, ...byId(NOBODYS) })],
  judge: ([run], { version }) => {
    const how = goneOn(NOBODYS, run);
    const known = isBefore(version, "2.21.1") ? "silently new" : "refused";
    return judged(how === known, `${how} (${endOf(run)})`);
  },
};

const resumeNone: Question = {
  id: "resume-none",
  asks: "What does --resume do where there is no conversation?",
  why: "It is to start one (5).",
  prompts: 1,
  ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, resume: NEWEST })],
  judge: ([run]) => {
    const said = /No saved sessions found/.test(run.stderr) ? ", and says that there was none" : "";
    return readRun(run).succeeded ? expected(`starts one${said}`) : different(endOf(run));
  },
};

const killed: Question = {
  id: "killed",
  asks: "Can a conversation be resumed whose turn was ended in the middle, by TERM and by KILL?",
  why: "The runner ends turns that take too long (5, #10434).",
  prompts: 4,
  unless: needsStream,
  ask: async (lab, facts) => {
    const runs: Run[] = [];
    for (const by of ["SIGTERM", "SIGKILL"] as const) {
      const cwd = lab.folder();
      const endAt = { seen: /agent_message_chunk/, by };
      const first = await lab.chat(facts, by, { prompt: lab.prompts.long, cwd, endAt });
      const id = readRun(first).session;
      runs.push(first);
      if (id === undefined) continue;
      runs.push(await lab.chat(facts, `after ${by}`, { prompt: lab.prompts.pong, cwd, ...byId(id) }));
    }
    return runs;
  },
  judge: (runs, { version }) => {
    const tried = ["SIGTERM", "SIGKILL"].map((by) => {
      const [first, after] = [named(runs, by), named(runs, `after ${by}`)];
      const isCut = first?.ended === "on purpose" && !readRun(first).succeeded;
      const how = isCut ? goneOn(readRun(first).session, after) : "unknown";
      return { how, said: `after ${by} ${how}${after && how === "refused" ? ` (${endOf(after)})` : ""}` };
    });
    const seen = tried.map(({ said }) => said).join("; ");
    if (tried.some(({ how }) => how === "unknown")) return unclear(seen);
    const known = isBefore(version, "2.14.0") ? "continued" : "refused";
    return judged(
      tried.every(({ how }) => how === known),
      seen,
    );
  },
};

const staleLock: Question = {
  id: "stale-lock",
  asks: "Does V2 resume beside a lock file of a process that is gone, and of a living one that is not Kiro?",
  why: "A killed container leaves its lock behind, and pids are used again (5, 13).",
  prompts: 3,
  unless: needsStream,
  ask: async (lab, facts) => {
    const cwd = lab.folder();
    const first = await lab.chat(facts, "first", { prompt: lab.prompts.pong, cwd });
    const id = readRun(first).session;
    const file = (end: string) => join(lab.places.sessions, "cli", `${id}.${end}`);
    if (id === undefined || !existsSync(file("json"))) return [first];
    const runs = [first];
    for (const [name, pid] of [
      ["gone", 2 ** 22 - 7],
      ["living", process.pid],
    ] as const) {
      writeFileSync(file("lock"), JSON.stringify({ pid, started_at: new Date().toISOString() }));
      runs.push(await lab.chat(facts, name, { prompt: lab.prompts.pong, cwd, ...byId(id) }));
    }
    return runs;
  },
  judge: (runs) => {
    if (runs.length < 3) return unclear("the first run left no session file");
    const [gone, living] = ["gone", "living"].map((name) => goneOn(readRun(runs[0]).session, named(runs, name)));
    return judged(gone === "continued", `beside the lock of one that is gone: ${gone}; of a living one: ${living}`);
  },
};

const together: Question = {
  id: "together",
  asks: "What do two prompts at once in one directory do, new ones, and then with --resume?",
  why: "--resume is known to merge them; the runner never resumes so with others' conversations near (5, #9066).",
  prompts: 4,
  unless: needsStream,
  ask: async (lab, facts) => {
    const cwd = lab.folder();
    const pair = (kind: string, resume: Chat["resume"] & {}) =>
      Promise.all([1, 2].map((at) => lab.chat(facts, `${kind} ${at}`, { prompt: lab.prompts.pong, cwd, resume })));
    return [...(await pair("new", { kind: "none", why: null })), ...(await pair("resumed", NEWEST))];
  },
  judge: (runs) => {
    const [one, two, three, four] = runs.map(readRun);
    if (!one || !two || !three || !four) return unclear("not all were run");
    const failed = runs.filter((run) => !readRun(run).succeeded);
    if (failed.length > 0) return different(`${failed.map((run) => `${run.name}: ${exitOf(run)}`).join("; ")}`);
    const fresh = one.session === two.session ? "new ones share a session" : "new ones have a session each";
    const resumed = three.session === four.session ? "resumed ones share one" : "resumed ones have one each";
    return judged(one.session !== two.session && three.session === four.session, `${fresh}; ${resumed}`);
  },
};

export const sessionQuestions: readonly Question[] = [
  ...[conversations, resumeKnown, resumeUnknown, resumeNone, killed, staleLock, together],
];
