import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Echo extends AsyncDisposable {
  /** A file there, the same content back. */
  call(content: string): Promise<string>;
}

/** Write, rename and watch between two processes, and nothing else: no rules, no ledger. */
export async function startEcho(): Promise<Echo> {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-bench-echo-"));
  const [there, back] = [join(folder, "there"), join(folder, "back")];
  mkdirSync(there);
  mkdirSync(back);
  const child = spawn(process.execPath, [fileURLToPath(new URL("echo.ts", import.meta.url)), there, back], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  let calls = 0;
  return {
    call: async (content) => {
      const name = `${(calls += 1)}.json`;
      const answer = join(back, name);
      const watcher = watch(back);
      writeFileSync(join(there, `.${name}.tmp`), content);
      renameSync(join(there, `.${name}.tmp`), join(there, name));
      while (!existsSync(answer)) await once(watcher, "change");
      watcher.close();
      const said = readFileSync(answer, "utf8");
      rmSync(answer);
      return said;
    },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.stdin.end();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
