import { stripVTControlCharacters } from "node:util";

/**
 * A message as a terminal may show it: escape sequences and other control characters could move the
 * cursor, recolour or forge what stands there.
 */
export function safeForTerminal(text: string): string {
  // eslint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, "");
}

/** Rows of text, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
