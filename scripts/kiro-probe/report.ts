import type { Question } from "./question.ts";
import { exitOf, type Run } from "./runs.ts";

export interface Asked {
  question: Question;
  runs: readonly Run[];
  verdict: string;
}

const HEAD = 1_200;
const TAIL = 800;
/** What an issue takes, with room for words around it. */
const MOST_CHARACTERS = 60_000;

/** Plain text, of runs that are already redacted: shortened before, half a secret could stay. */
export function renderReport(header: readonly string[], asked: readonly Asked[]): string {
  const width = Math.max(0, ...asked.map(({ question }) => question.id.length));
  const table = asked.map(({ question, verdict }) => `${question.id.padEnd(width)}  ${verdict}`);
  const parts = asked.filter(({ runs }) => runs.length > 0);
  const render = (times: number) =>
    [...header, "", ...table, "", ...parts.map((part) => renderQuestion(part, times))].join("\n");
  const times = [1, 0.7, 0.5, 0.3].find((each) => render(each).length <= MOST_CHARACTERS) ?? 0.2;
  return render(times);
}

const renderQuestion = ({ question: { id, asks, why, whole }, runs }: Asked, times: number): string =>
  [`## ${id}`, asks, why, "", ...runs.map((run) => renderRun(run, whole ? 10 : times))].join("\n");

function renderRun(run: Run, times: number): string {
  const stream = (name: string, text: string) => (text === "" ? [] : [`${name}:`, shortened(text, run.cut, times)]);
  const state = [
    ...[exitOf(run), `${(run.ms / 1000).toFixed(1)} s`, ...(run.pipes === "open" ? ["pipes still open after it"] : [])],
    ...run.leftBehind.map((process) => `left behind: ${process.slice(0, 120)}`),
  ];
  const lines = [
    `$ ${JSON.stringify(["kiro-cli", ...run.args])}  (${run.name})`,
    ...[...stream("stdin", run.input), ...stream("stdout", run.stdout), ...stream("stderr", run.stderr)],
    ...run.stores.map((store) => `stored: ${store}`),
    ...(run.asked.length > 0 ? [`our MCP server: ${run.asked.join(", ")}`] : []),
    `=> ${state.join(", ")}`,
  ];
  const indented = lines.flatMap((line) => line.split("\n")).map((line) => `    ${line}`.trimEnd());
  return `${indented.join("\n")}\n`;
}

/** The end of a text that is not all there could be half a secret. */
function shortened(text: string, cut: boolean, times: number): string {
  const shown = visible(text.trimEnd());
  const [head, tail] = [HEAD * times, cut ? 0 : TAIL * times];
  const left = `[… ${shown.length - head - tail} characters ${cut ? "and more " : ""}left out …]`;
  const isShort = shown.length <= head + tail && !cut;
  const lines = isShort ? [shown] : [shown.slice(0, head), left, shown.slice(shown.length - tail)];
  const quote = (line: string) => `| ${line}`;
  return lines.flatMap((line) => line.split("\n").map(quote)).join("\n");
}

/** Control characters as something that can be read, and that does nothing to a terminal. */
export function visible(text: string): string {
  const code = (character: string) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, code);
}
