import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { whoUses } from "./who-uses.ts";

const hasLsof = ["/usr/sbin/lsof", "/usr/bin/lsof"].some((path) => existsSync(path));
const platforms = hasLsof ? (["linux", "darwin"] as const) : (["linux"] as const);

it.each(platforms)("finds another process that has a file open, as on %s", async (platform) => {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-open-"));
  const path = join(folder, "a file's name");
  const own = openSync(path, "w");
  expect(await whoUses(systemClock, path, { platform })).toEqual([]); // we ourselves do not count
  const child = spawn(process.execPath, [
    ...["-e", `require("fs").openSync(process.argv[1]); console.log("open"); setInterval(() => {}, 1000)`, path],
  ]);
  await once(child.stdout, "data");
  expect(await whoUses(systemClock, path, { platform })).toEqual([child.pid]);
  child.kill();
  await once(child, "close");
  closeSync(own);
  rmSync(folder, { recursive: true });
});

it("cannot tell when lsof hangs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-open-"));
  writeFileSync(join(folder, "lsof"), "#!/bin/sh\nexec /bin/sleep 600\n", { mode: 0o755 });
  const options = { platform: "darwin", searchPath: folder, limitMs: 300 } as const;
  expect(await whoUses(systemClock, join(folder, "file"), options)).toBe(undefined);
  rmSync(folder, { recursive: true });
});
