import { spawn } from "node:child_process";

/** A program that talks with the person itself, on the terminal of this one. Resolves when it has ended, however. */
export function runInTerminal(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
}
