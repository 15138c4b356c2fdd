import { spawn } from "node:child_process";

const KEPT_CHARACTERS = 64 * 1024;

/**
 * Bytes that folders and everything below them take on the disk, or undefined when nobody can tell.
 * A process of its own walks them: it goes from folder to folder by descriptors, so that a name
 * which is swapped for a link meanwhile leads it nowhere, counts a file with two names once, and
 * keeps the host free, however many files an agent makes. Never rejects; ends at the signal.
 */
export function treeBytes(trees: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = spawn("du", ["-skx", ...trees], {
      env: { LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
      signal,
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < KEPT_CHARACTERS) said += text;
    });
    child.on("error", () => resolve(undefined));
    // Its exit code also tells of files that went away while it looked; the sums stand.
    child.once("close", () => resolve(sum(said)));
  });
}

function sum(said: string): number | undefined {
  const kilobytes = [...said.matchAll(/^(\d+)\t/gm)].map(([, number]) => Number(number));
  return kilobytes.length === 0 ? undefined : 1024 * kilobytes.reduce((all, some) => all + some, 0);
}
