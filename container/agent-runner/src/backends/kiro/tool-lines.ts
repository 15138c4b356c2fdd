/** What a line that Kiro writes about its tools says; the wording is Kiro's own and may drift. */
export type ToolLine = { kind: "started"; tool: string } | { kind: "done" } | { kind: "failed" };

const LONGEST_NAME = 80;

/** A line of V1's transcript on stdout, without escapes. */
export function transcriptToolLine(line: string): ToolLine | undefined {
  const mcp = /^Running tool (\S+) with the param.*?(?:\(from mcp server: ([^)]+)\))?\s*$/.exec(line);
  if (mcp) return { kind: "started", tool: toolName(mcp[1] ?? "", mcp[2]) };
  const builtin = /\(using tool: ([^),]+)(?:,[^)]*)?\)\s*$/.exec(line);
  if (builtin) return { kind: "started", tool: toolName(builtin[1] ?? "") };
  if (/^\s+- Completed in \d+(?:\.\d+)?\s*m?s\s*$/.test(line)) return { kind: "done" };
  if (/^\s*(?:●|✗|-)?\s*Execution failed after \d+(?:\.\d+)?\s*m?s:?\s*$/.test(line)) return { kind: "failed" };
  return undefined;
}

/** A line of V2 or V3 on stderr, without escapes. */
export function statusToolLine(line: string): ToolLine | undefined {
  const status = /^\[tool\] status: (\w+)\s*$/.exec(line)?.[1];
  if (status !== undefined) {
    if (status === "Completed") return { kind: "done" };
    return status === "Failed" ? { kind: "failed" } : undefined;
  }
  const title = /^\[tool\] (.+)$/.exec(line)?.[1];
  return title === undefined ? undefined : { kind: "started", tool: titleTool(title) };
}

/** Tools of our own server go by their plain name, as with every agent. */
export function toolName(tool: string, server?: string): string {
  const name = server === undefined || server === "nanoclaw" ? tool : `@${server}/${tool}`;
  return name.slice(0, LONGEST_NAME);
}

/** `Running: @chat/send_message` names a tool; `Reading a.ts:1` tells what it does. */
export function titleTool(title: string): string {
  const named = /^Running: @([^/\s]+)\/(\S+)/.exec(title);
  return named ? toolName(named[2] ?? "", named[1]) : title.trim().slice(0, LONGEST_NAME);
}
