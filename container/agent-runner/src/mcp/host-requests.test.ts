import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createExchange, okay, type Exchange } from "../../test/exchange.ts";
import { createHostRequests } from "./host-requests.ts";

const requestsIn = (exchange: Exchange, limitMs?: number) =>
  createHostRequests({ ipcDir: exchange.dir, turn: "abcdefghijkl", attempt: 1, chat: "local:main" }, limitMs);

test("says that nobody knows what became of it when the host does not answer in time", async () => {
  using exchange = createExchange();
  const outcome = await requestsIn(exchange, 100).call("list_tasks", {});
  expect(outcome).toEqual({
    ok: false,
    error: "The host did not answer within 0.1 s. Whether this was done is unknown.",
  });
});

test("waits for a host that takes its time", async () => {
  using exchange = createExchange();
  exchange.answerWith(() => sleep(600, okay("late but here")));
  expect(await requestsIn(exchange).call("list_tasks", {})).toEqual({ ok: true, result: "late but here" });
});

test("refuses what is too large before anything is written", async () => {
  using exchange = createExchange();
  const outcome = await requestsIn(exchange).call("send_message", { text: "ä".repeat(131_072) });
  expect(outcome).toMatchObject({ ok: false, error: expect.stringMatching(/more than the 262144.*Nothing was done/) });
  expect(readdirSync(join(exchange.dir, "requests"))).toEqual([]);
  expect(exchange.requests).toEqual([]);
});

test("ends its wait when the run is stopped", async () => {
  using exchange = createExchange();
  const stop = new AbortController();
  const call = requestsIn(exchange).call("list_tasks", {}, stop.signal);
  setTimeout(() => stop.abort(), 30);
  expect(await call).toMatchObject({ ok: false, error: expect.stringContaining("stopped") });
});

test("finds the response also where the folder cannot be watched", async () => {
  using exchange = createExchange();
  const responses = join(exchange.dir, "responses");
  rmSync(responses, { recursive: true });
  exchange.answerWith(async () => {
    await sleep(50);
    mkdirSync(responses);
    return okay("found");
  });
  expect(await requestsIn(exchange).call("list_tasks", {})).toEqual({ ok: true, result: "found" });
});
