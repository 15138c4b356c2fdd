import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createKiroBackend } from "../src/backends/kiro/kiro.ts";
import type { Answer, FrameBody, TurnInput } from "../src/protocol/index.ts";
import { turnInput } from "./turn-input.ts";

export const agentName = "nanoclaw-main";
export const apiKey = "ksk_0123456789abcdef";

type Agent = Extract<TurnInput["agent"], { backend: "kiro" }>;

export interface Told {
  answer: Answer;
  frames: FrameBody[];
  /** Lines of log frames. */
  log: string[];
  /** Tools as frames told of them. */
  tools: string[];
  text: string;
}

/** A group's home and folder, and the backend in it. */
export interface KiroStage extends Disposable {
  root: string;
  home: string;
  cwd: string;
  /** Files below the home; text as it is, everything else as JSON. */
  inHome(path: string, content: unknown): void;
  /** A turn with these words as its prompt. */
  say(prompt: string, changes?: StageTurn): Promise<Told>;
}

export interface StageTurn extends Partial<Omit<TurnInput, "agent">> {
  agent?: Partial<Agent>;
  env?: Record<string, string>;
  signal?: AbortSignal;
  onFrame?(frame: FrameBody): void;
}

export interface StageOptions {
  /** Where kiro-cli lies. */
  bin: string;
  env?: Record<string, string>;
}

export function createKiroStage({ bin, env = {} }: StageOptions): KiroStage {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-kiro-")));
  const home = join(root, "home");
  const cwd = join(root, "group");
  const inHome = (path: string, content: unknown): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), typeof content === "string" ? content : JSON.stringify(content));
  };
  mkdirSync(cwd);
  inHome(`.kiro/agents/${agentName}.json`, { name: agentName, tools: ["*"], includeMcpJson: false });
  const place = {
    PATH: [bin, process.env["PATH"]].join(delimiter),
    HOME: home,
    NANOCLAW_REAL_HOME: home,
    ...env,
  };
  return {
    root,
    home,
    cwd,
    inHome,
    say: (prompt, changes = {}) => play(prompt, changes, { env: place, cwd }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

async function play(
  prompt: string,
  { agent, env, signal, onFrame, ...changes }: StageTurn,
  place: { env: Record<string, string>; cwd: string },
): Promise<Told> {
  const frames: FrameBody[] = [];
  const backend = createKiroBackend({ env: { ...place.env, ...env }, cwd: place.cwd, platform: process.platform });
  const turn = turnInput({
    prompt,
    secrets: { KIRO_API_KEY: apiKey },
    limits: { outputBytes: 1024 * 1024 },
    ...changes,
    agent: { backend: "kiro", assistantName: "Andy", name: agentName, model: null, sharedStore: false, ...agent },
  });
  const answer = await backend.run(turn, {
    tools: () => Promise.reject(new Error("Kiro starts its tools itself")),
    emit(frame) {
      frames.push(frame);
      onFrame?.(frame);
    },
    now: () => Date.now(),
    signal: signal ?? new AbortController().signal,
  });
  return {
    answer,
    frames,
    log: frames.flatMap((frame) => (frame.type === "log" ? [frame.line] : [])),
    tools: frames.flatMap((frame) => (frame.type === "tool" ? [`${frame.tool} ${frame.status}`] : [])),
    text: frames.map((frame) => (frame.type === "text" ? frame.text : "")).join(""),
  };
}
