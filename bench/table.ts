import { median, quantile } from "./measure.ts";

export interface Row {
  name: string;
  samples: number[];
  against: string;
  baseline: number[];
  /** What the row tells, in one line. */
  means: string;
}

export function row(name: string, samples: number[], against: string, baseline: number[], means: string): Row {
  return { name, samples, against, baseline, means };
}

/** One table: ratios of medians first, the raw figures beside them. */
export function renderTable(rows: Row[]): string {
  const head = ["row", "ratio", "median", "middle half", "p95", "against", "median", "middle half", "n"];
  const lines = rows.map(({ name, samples, against, baseline }) => [
    name,
    `${(median(samples) / median(baseline)).toFixed(2)} x`,
    ...figures(samples),
    ms(quantile(samples, 0.95)),
    against,
    ...figures(baseline),
    String(samples.length),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)));
  const render = (line: string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  const notes = rows.map(({ name, means }) => `${name}: ${means}`);
  return [...[head, rule, ...lines].map(render), "", ...notes, ""].join("\n");
}

const figures = (samples: number[]): string[] => [
  ms(median(samples)),
  `${ms(quantile(samples, 0.25))} to ${ms(quantile(samples, 0.75))}`,
];
const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
