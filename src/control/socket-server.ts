import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:http";

/**
 * Serves an app on a Unix socket that only this user can open. A socket left by a host that died
 * is replaced; that no living host has it is what the home's lock is for.
 */
export async function serveSocket(app: Hono, path: string): Promise<AsyncDisposable> {
  rmSync(path, { force: true });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      remove(path);
    },
  };
}

/** Nobody listens any more: a socket that a read-only disk keeps is in nobody's way. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // the next host removes it, or says what is wrong with the disk
  }
}
