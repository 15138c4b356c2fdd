import type { TurnInput } from "./protocol/index.ts";
import type { Place, ToolClient } from "./backends/backend.ts";
import { loadBackend } from "./backends/load-backend.ts";
import { createFrameWriter } from "./frame-writer.ts";
import { openJournal, type Journal } from "./journal.ts";
import { parseInput } from "./parse-input.ts";
import { runTurn } from "./run-turn.ts";

export interface ProgramDeps {
  ipcDir: string | undefined;
  echo(line: string): void;
  /** For people who look into the process's log; never carries values of the input. */
  complain(message: string): void;
  /** Milliseconds since an arbitrary start. */
  monotonic(): number;
  signal: AbortSignal;
  place: Place;
}

export type ProgramEnd = "done" | "badInput" | "journal" | "terminated";

/** One input line, from its text to the last frame. */
export async function runInput(line: string, deps: ProgramDeps): Promise<ProgramEnd> {
  if (!deps.ipcDir) {
    deps.complain("NANOCLAW_IPC_DIR is not set");
    return "badInput";
  }
  const parsed = parseInput(line);
  if (!parsed.ok) {
    deps.complain(`invalid input: ${parsed.problem}`);
    return "badInput";
  }
  try {
    return await withJournal(parsed.input, deps.ipcDir, deps);
  } catch (error) {
    // Backends cannot throw through runTurn, so this is the journal: full disk, or an attempt made twice.
    deps.complain(`journal: ${error instanceof Error ? error.message : String(error)}`);
    return "journal";
  }
}

async function withJournal(turn: TurnInput, ipcDir: string, deps: ProgramDeps): Promise<ProgramEnd> {
  const journal: Journal = openJournal(ipcDir, turn.turn, turn.attempt);
  const frames = createFrameWriter({ token: turn.frameToken, journal, echo: deps.echo });
  const connectTools = async (input: TurnInput, signal: AbortSignal): Promise<ToolClient> => {
    const [{ connectTools: connect }, { sendingFolders }] = await Promise.all([
      import("./mcp/tool-client.ts"),
      import("./mcp/outgoing-files.ts"),
    ]);
    const requester = { ipcDir, turn: input.turn, attempt: input.attempt, chat: input.chat.jid };
    return connect(requester, sendingFolders(deps.place.env), signal);
  };
  const { monotonic, signal, place } = deps;
  const offset = turn.now - monotonic();
  const now = (): number => Math.round(offset + monotonic());
  try {
    const answered = await runTurn(turn, {
      loadBackend: (name) => loadBackend(name, place),
      connectTools,
      frames,
      now,
      signal,
    });
    return answered ? "done" : "terminated";
  } finally {
    journal.close();
  }
}
