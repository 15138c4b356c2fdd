import { Hono } from "hono";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { serveSocket } from "../control/socket-server.ts";
import { homePaths, makeHome } from "../home.ts";
import { untilServing } from "./service-look.ts";

it("goes on looking for a service that says something before it answers, as one does that moves in", async () => {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-look-"));
  try {
    const home = homePaths(root);
    makeHome(home);
    writeFileSync(join(home.logs, "service.err.log"), "Moved in from the old system\n");
    const looking = untilServing(root, [], new AbortController().signal);
    // Its first look finds the words, and nobody who answers.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const app = new Hono().get("/control/status", (context) => context.json({ pid: 1, startedAt: 0 }));
    await using _host = await serveSocket(app, home.socket);
    expect(await looking).toMatch(/^It answers\./);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
