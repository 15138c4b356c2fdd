import { join } from "node:path";
import { AGENT, agentWithServer, type Facts } from "./lab.ts";
import { different, expected, judged, named, needs, unclear, wayOf, type Question } from "./question.ts";
import { endOf, exitOf, quoted, readRun, troublesOf, type Run } from "./runs.ts";
import { isBefore } from "./version.ts";

/** The runner's form, and the classic engine's where that is another one. */
const mainAndClassic = (facts: Facts) => [...new Set([facts.main, wayOf(facts, "plain-classic")])];

const isPong = (run: Run | undefined): boolean => run !== undefined && /\bPONG\b/.test(readRun(run).answer);

function toolsIn(name: string): Question {
  return {
    id: `tools-${name}`,
    asks: `Is our MCP server of an agent file started and called as ${name}, and is narration told from the answer?`,
    why: "Every action of the agent goes through such a server; with API keys they were once all off (7, 8, #10024).",
    prompts: 1,
    troubles: true,
    unless: needs(name),
    ask: async (lab, facts) => {
      const how = { way: wayOf(facts, name), cwd: lab.folder(agentWithServer) };
      return [await lab.chat(facts, "prompt", { prompt: lab.prompts.tool, ...how })];
    },
    judge: ([run]) => {
      if (!run.asked.includes("tools/call")) {
        const asked = run.asked.length === 0 ? "not started" : `only asked: ${run.asked.join(", ")}`;
        return different(`the server was ${asked}; ${troublesOf(run)[0] ?? endOf(run)}`);
      }
      const { answer, finalText } = readRun(run);
      const isAlone = /KESTREL/.test(answer) && !/looking/i.test(answer);
      const whole = finalText && `; finalText ${/looking/i.test(finalText) ? "has" : "is without"} the narration`;
      return judged(isAlone, `called; the runner reads ${quoted(answer)}${whole ?? ""}`);
    },
  };
}

const unknownAgent: Question = {
  id: "unknown-agent",
  asks: "What does it do with an agent that does not exist?",
  why: "The default agent that may run instead has other tools (4).",
  prompts: 1,
  ask: async (lab, facts) => [
    await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, agent: `${AGENT}-missing`, careful: true }),
  ],
  judge: ([run], { version, main }) => {
    const isSilent = main.engine === "classic" || isBefore(version, "2.27.1");
    return judged(isSilent ? run.code === 0 : run.code === 4, endOf(run));
  },
};

const unknownKey: Question = {
  id: "unknown-key",
  asks: "Does an unknown key lose the whole agent file? What do `agent validate` and the run say?",
  why: "The host checks its agent files for it (7).",
  prompts: 1,
  ask: async (lab, facts) => {
    const cwd = lab.folder(() => ({ nobodyKnowsThisKey: true }));
    const path = join(cwd, ".kiro", "agents", `${AGENT}.json`);
    const validate = await lab.run("validate", ["agent", "validate", "--path", path], { cwd });
    return [validate, await lab.chat(facts, "prompt", { prompt: lab.prompts.bird, cwd, careful: true })];
  },
  judge: (runs) => {
    const [validate, run] = [named(runs, "validate"), named(runs, "prompt")];
    if (!validate || !run) return unclear("not all was run");
    const isRead = /BITTERN/i.test(readRun(run).answer);
    return judged(!isRead, `the file is ${isRead ? "" : "not "}used (${endOf(run)}); validate: ${exitOf(validate)}`);
  },
};

const unknownModel: Question = {
  id: "unknown-model",
  asks: "What does it do with a model that does not exist?",
  why: "A misspelt KIRO_MODEL is told to the owner (3, #9461).",
  prompts: 1,
  ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, model: "no-such-model" })],
  judge: ([run]) => {
    const isTold = !readRun(run).succeeded && /model/i.test(endOf(run));
    return judged(isTold, endOf(run));
  },
};

const empty: Question = {
  id: "empty-prompt",
  asks: "What does it do with an empty prompt?",
  why: "It must end by itself (2).",
  prompts: 0,
  ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: "" })],
  judge: ([run]) => judged(run.code === 1 && /Input must be supplied/.test(endOf(run)), endOf(run)),
};

const dash: Question = {
  id: "dash-prompt",
  asks: "Is a prompt that begins with - taken on stdin, after --, and as an argument?",
  why: "The runner gives every prompt on stdin (2).",
  prompts: 2,
  ask: async (lab, facts) => {
    const { dash: prompt } = lab.prompts;
    return [
      await lab.chat(facts, "on stdin", { prompt }),
      await lab.chat(facts, "after --", { prompt, as: ["--", prompt] }),
      await lab.chat(facts, "as an argument", { prompt, as: [prompt] }),
    ];
  },
  judge: (runs) => {
    const bare = named(runs, "as an argument");
    const good = isPong(named(runs, "on stdin")) && isPong(named(runs, "after --")) && bare?.code === 2;
    return judged(good, runs.map((run) => `${run.name}: ${isPong(run) ? "answered" : exitOf(run)}`).join("; "));
  },
};

const slash: Question = {
  id: "slash-prompt",
  asks: "Is a prompt that begins with / taken for a command?",
  why: "People type it in chats (6).",
  prompts: 2,
  ask: async (lab, facts) =>
    Promise.all(mainAndClassic(facts).map((way) => lab.chat(facts, way.name, { prompt: lab.prompts.slash, way }))),
  judge: (runs) => {
    const seen = runs.map((run) => `${run.name} ${isPong(run) ? "answers it" : `does not answer it (${endOf(run)})`}`);
    return judged(!runs.some(isPong), seen.join("; "));
  },
};

const wrongKey: Question = {
  id: "wrong-key",
  asks: "What does it say to an API key that is wrong, and with which exit code?",
  why: "It was seen to end with 0 and no answer (4).",
  prompts: 0,
  troubles: true,
  unless: ({ mode }) => (mode === "key" ? undefined : "only with an API key: a login is not touched"),
  ask: async (lab, facts) => {
    const env = { KIRO_API_KEY: "ksk_invalid_00000000000000000000000000000000" };
    const ask = (way: Facts["main"]) => lab.chat(facts, way.name, { prompt: lab.prompts.pong, way, env });
    return Promise.all(mainAndClassic(facts).map(ask));
  },
  judge: (runs) => {
    const isTold = runs.every((run) => troublesOf(run).some((said) => /Authentication failed|API key/i.test(said)));
    return judged(isTold && !runs.some(isPong), runs.map((run) => `${run.name}: ${endOf(run)}`).join("; "));
  },
};

const loggedOut: Question = {
  id: "logged-out",
  asks: "What does a run without any credentials do?",
  why: "There are three ways, and one waits for ever (8). It may open a browser: close it, your login is not touched.",
  prompts: 0,
  free: true,
  optional: true,
  troubles: true,
  ask: async (lab, facts) => {
    const { nobody: env } = lab;
    const ask = (name: string) => lab.chat(facts, name, { prompt: lab.prompts.pong, env, limitMs: 20_000 });
    return [await ask("first"), await ask("again")];
  },
  judge: (runs) => {
    const seen = runs.map((run) => `${run.name}: ${exitOf(run)}, ${troublesOf(run)[0] ?? "no known message"}`);
    return judged(
      runs.every((run) => troublesOf(run).length > 0),
      seen.join("; "),
    );
  },
};

const pipes: Question = {
  id: "pipes",
  asks: "Of all runs: did the pipes close at the exit, and was nothing left of the process group?",
  why: "The runner waits for the exit, not for the pipes (3).",
  prompts: 0,
  free: true,
  judge: (runs) => {
    const own = runs.filter(({ ended }) => ended === undefined);
    const open = own.filter(({ pipes }) => pipes === "open").length;
    const left = own.filter(({ leftBehind }) => leftBehind.length > 0).length;
    const seen = `of ${own.length} runs, ${open} left a pipe open and ${left} left processes behind`;
    return open + left === 0 ? expected(seen) : different(seen);
  },
};

const messages: Question = {
  id: "messages",
  asks: "Of all runs: which messages about login, limits and MCP were met?",
  why: "Their wording is what the classes of failure are known by (8, 13). At a monthly limit, run this with --only default-engine.",
  prompts: 0,
  free: true,
  judge: (runs) => {
    const met = [...new Set(runs.flatMap((run) => troublesOf(run).map((said) => `${exitOf(run)}: ${said}`)))];
    return met.length === 0 ? unclear("none was met") : expected(met.join("; "));
  },
};

export const inputQuestions: readonly Question[] = [
  ...["tools-plain-classic", "tools-stream-v2", "tools-stream-v3"].map((id) => toolsIn(id.replace("tools-", ""))),
  ...[unknownAgent, unknownKey, unknownModel, empty, dash, slash, wrongKey, loggedOut, pipes, messages],
];
