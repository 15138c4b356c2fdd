import type { Terminal } from "../cli/terminal.ts";
import { cureOf, isFine, summaryLines } from "./words.ts";
import type { Result, Ui } from "./ui.ts";

/** For programs, and for whoever answers by flags: nothing is asked. */
export const plainUi = (terminal: Pick<Terminal, "stdout" | "stderr">, json: boolean): Ui =>
  json ? jsonUi(terminal) : textUi(terminal);

/** One object a line; `text` is for people. */
function jsonUi({ stdout }: Pick<Terminal, "stdout">): Ui {
  const line = (value: object) => void stdout.write(`${JSON.stringify(value)}\n`);
  return {
    ask: undefined,
    begin: () => {},
    note: () => {},
    progress: () => {},
    event: (step, type, lines, facts = {}) =>
      line({ step, status: "waiting", type, ...facts, text: [lines].flat().join("\n") }),
    ended: (result) => line({ step: result.step, ...result.outcome, ...withCure(result) }),
    summary: (end) => {
      const { results, cancelled } = end;
      const named = (status: string) =>
        results.filter(({ outcome }) => outcome.status === status).map(({ step }) => step);
      const lists = { done: named("done"), skipped: named("skipped"), failed: named("failed"), needs: named("needs") };
      const detail = summaryLines(end).join(" ");
      const isWhole = cancelled === undefined && results.every(isFine);
      line({ step: "summary", status: isWhole ? "done" : "failed", detail, ...lists });
    },
  };
}

const withCure = (result: Result): { cure?: string } => {
  const cure = cureOf(result);
  return cure === undefined ? {} : { cure };
};

const MARKS = { done: "ok", skipped: "skipped", failed: "FAILED", needs: "NEEDS" } as const;

function textUi({ stdout }: Pick<Terminal, "stdout">): Ui {
  const line = (text: string) => void stdout.write(`${text}\n`);
  let shown: string | null = null;
  return {
    ask: undefined,
    begin: () => {},
    note: (lines) => [lines].flat().forEach((text) => line(text === "" ? "" : `         ${text}`)),
    progress: (text) => {
      if (text !== null && text !== shown) line(`         ${text}`);
      shown = text;
    },
    event: (_step, _type, lines) => line([lines].flat().join("\n")),
    ended: (result) => {
      const { step, outcome } = result;
      const cure = cureOf(result);
      line(`${MARKS[outcome.status].padEnd(7)}  ${step.padEnd(11)}  ${outcome.detail}`);
      if (cure !== undefined) line(`         -> ${cure.replaceAll("\n", "\n            ")}`);
    },
    summary: (end) => line(["", ...summaryLines(end)].join("\n")),
  };
}
