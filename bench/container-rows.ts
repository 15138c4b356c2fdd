import { setTimeout as delay } from "node:timers/promises";
import { loadConfig } from "../src/config.ts";
import { bareRuns, containerEnv, containersMissing, Ledger, watchDepartures, type Bare } from "./containers.ts";
import { plainEnv, tempHome } from "./home.ts";
import { liveHost, type LiveHost } from "./live-host.ts";
import { alternate, timed } from "./measure.ts";
import { row, type Row } from "./table.ts";

const BARE = "docker run true";
const ROUNDS = 20;
const CHATS = 50;
const MESSAGES = 4;
/** Turns at once, the host's default. */
const AT_ONCE = 5;

/** Turns in containers against the engine's own cost; none, with the reason said, without an engine. */
export async function containerRows(say: (line: string) => void): Promise<Row[]> {
  await using home = await tempHome();
  const settings = containerEnv();
  const config = loadConfig({ env: { ...plainEnv(home.path), ...settings }, defaultHome: home.path });
  const missing = await containersMissing(config);
  if (missing !== undefined) {
    say(`  skipped: ${missing}`);
    return [];
  }
  await using host = await liveHost(home.path, { settings });
  await host.say("help"); // its network and folders are there from now on
  const bare = bareRuns(home.path);
  const rows = await turnRows(host, bare, home.path);
  say(`  a burst of ${CHATS} chats x ${MESSAGES} messages ...`);
  return [...rows, await burstRow(host, bare, home.path)];
}

async function turnRows(host: LiveHost, bare: Bare, home: string): Promise<Row[]> {
  await using departures = await watchDepartures(home);
  const whole: number[] = [];
  const samples = await alternate(ROUNDS, {
    bare: async () => {
      const left = departures.next();
      const ms = await timed(() => bare.run());
      await left;
      return ms;
    },
    answer: async () => {
      const start = performance.now();
      const left = departures.next();
      const ms = await timed(() => host.say("help"));
      await left;
      whole.push(performance.now() - start);
      return ms;
    },
  });
  const flags = "with the same flags, mounts and network";
  return [
    row(
      "container, answer",
      samples.answer,
      BARE,
      samples.bare,
      `a turn in a container until its answer is back, ${flags}`,
    ),
    row("container, gone", whole.slice(1), BARE, samples.bare, "the same turn until its container is gone"),
  ];
}

async function burstRow(host: LiveHost, bare: Bare, home: string): Promise<Row> {
  using ledger = new Ledger(home);
  const turns = () => Number(ledger.rows("SELECT count(*) AS n FROM turns")[0]?.["n"]);
  const isOpen = () => ledger.rows("SELECT 1 FROM turns WHERE status IN ('queued', 'running') LIMIT 1").length > 0;
  const chats = Array.from({ length: CHATS }, (_, index) => `burst${index}`);
  for (const chat of chats) await host.addGroup(chat);
  const before = turns();
  const burst = await timed(async () => {
    for (let n = 0; n < MESSAGES; n += 1) for (const chat of chats) await host.post(chat, "help");
    // The last answers are in the ledger when no turn is open.
    while (isOpen()) await delay(20);
  });
  const made = turns() - before;
  const runs = await timed(() => many(made, () => bare.run()));
  return row(
    "burst",
    [burst],
    `${made} bare runs`,
    [runs],
    `${CHATS} chats get ${MESSAGES} messages each at once, until the last is answered; ${made} turns were made, ${AT_ONCE} at a time`,
  );
}

async function many(count: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
