import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, truncateSync, writeSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRoot, onLinux } from "./processes.ts";

/** Why no file system can be mounted here; undefined when it can. */
export function mountProblem(): string | undefined {
  if (!onLinux) return "mounts are made on Linux only";
  if (!isRoot) return "only root can mount a file system";
  try {
    using _ = mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs");
    return undefined;
  } catch (error) {
    return `nothing can be mounted here: ${(error as Error).message}`;
  }
}

export interface Mount extends Disposable {
  path: string;
  remount(options: string): void;
}

/** `mount` with these arguments and a folder of its own. */
export function mounted(...args: string[]): Mount {
  const path = mkdtempSync(join(tmpdir(), "nanoclaw-mount-"));
  execFileSync("mount", [...args, path], { stdio: "pipe" });
  return {
    path,
    remount: (options) => void execFileSync("mount", ["-o", `remount,${options}`, path], { stdio: "pipe" }),
    [Symbol.dispose]: () => {
      execFileSync("umount", ["-l", path], { stdio: "pipe" });
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/**
 * An ext4 file system in a file: the only one here that can become read-only while files are open
 * (by `abort`, as after a fault of the disk). `again` mounts it anew.
 */
export function ext4(): Mount & { again(): void } {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-disk-"));
  const image = join(folder, "image");
  writeFileSync(image, "");
  truncateSync(image, 32 * 2 ** 20);
  execFileSync("mkfs.ext4", ["-q", image], { stdio: "pipe" });
  const mount = mounted("-o", "loop", image);
  return {
    ...mount,
    again: () => {
      execFileSync("umount", [mount.path], { stdio: "pipe" });
      execFileSync("mount", ["-o", "loop", image, mount.path], { stdio: "pipe" });
    },
    [Symbol.dispose]: () => {
      mount[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Takes all room there is; disposing gives it back. */
export function fill(folder: string): Disposable {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  for (let size = 2 ** 20; size >= 1; size = size === 4096 ? 1 : Math.max(4096, size / 2)) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      if (size === 1) break;
    }
  }
  closeSync(file);
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
