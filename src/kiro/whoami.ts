/** Starts a program without a shell and comes back within the time; it is handed in. */
export type RunProgram = (command: {
  program: string;
  args: readonly string[];
  env: Record<string, string>;
  limitMs: number;
}) => Promise<ProgramEnd>;

export type ProgramEnd =
  | { kind: "ended"; code: number | null; stdout: string; stderr: string }
  /** There is no such program, or it cannot be started. */
  | { kind: "not-started"; problem: string }
  | { kind: "late" };

export type WhoAmI =
  | { kind: "logged-in"; detail: string }
  | { kind: "logged-out" }
  | { kind: "missing"; problem: string }
  | { kind: "late"; limitMs: number }
  | { kind: "failed"; detail: string };

export interface WhoAmIOptions {
  run: RunProgram;
  /** `kiro-cli`, or a path to it. */
  program: string;
  env: Record<string, string>;
  limitMs?: number;
}

const LIMIT_MS = 20_000;
const LOGGED_OUT = /not logged in|log in with|kiro-cli login|failed to open browser|confirm the following code/i;

/** What Kiro itself says about the login. That the service takes it shows only in a turn. Never rejects. */
export async function whoami({ run, program, env, limitMs = LIMIT_MS }: WhoAmIOptions): Promise<WhoAmI> {
  const quiet = { NO_COLOR: "1", KIRO_NO_AUTO_UPDATE: "1", KIRO_DISABLE_TELEMETRY: "1" };
  const end = await run({ program, args: ["whoami"], env: { ...env, ...quiet }, limitMs });
  switch (end.kind) {
    case "not-started":
      return { kind: "missing", problem: end.problem };
    case "late":
      return { kind: "late", limitMs };
    case "ended":
      return classify(end.code, plain(end.stdout), plain(end.stderr));
    default:
      return end satisfies never;
  }
}

/** Words before exit codes: Kiro ends with 0 for several failures. */
function classify(code: number | null, stdout: string, stderr: string): WhoAmI {
  if (LOGGED_OUT.test(`${stdout}\n${stderr}`)) return { kind: "logged-out" };
  if (code === 0 && stdout !== "") return { kind: "logged-in", detail: firstLine(stdout) };
  const detail = firstLine(stderr) || firstLine(stdout) || `it ended with ${code ?? "a signal"} and said nothing`;
  return { kind: "failed", detail };
}

// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g;
const plain = (text: string): string => text.replace(ESCAPES, "").trim();
const firstLine = (text: string): string => (text.split("\n")[0] ?? "").trim().slice(0, 300);
