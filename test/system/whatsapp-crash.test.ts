import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { onLinux, processesOf } from "./processes.ts";
import { until } from "./until.ts";
import { askOn, openLines, speak, type Question } from "./whatsapp-crash-crowd.ts";
import { killAtRandom } from "./whatsapp-crash-kill.ts";
import { expectReminders, openReminders, remind } from "./whatsapp-crash-reminders.ts";
import { figures, judge, sound, untilOver } from "./whatsapp-crash-verdict.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";

/** How many random kills; the gate sets more. */
const kills = Number(process.env["WHATSAPP_KILLS"] ?? 3);

const points = [
  "before-ratchet",
  "after-ratchet",
  "before-done",
  "after-done",
  "after-kept",
  "after-sealed",
  "before-sent",
] as const;

const preload = new URL("whatsapp-crash-points.ts", import.meta.url).href;

const linkedSite = () => openWhatsAppHost({ settings: { LOG_LEVEL: "debug" } });

const expectSound = async (site: WhatsAppHost, questions: readonly Question[], limit: number) => {
  await untilOver(site, questions, limit);
  expect(judge(site, questions)).toEqual(sound);
};

const pointEnv = (point: string) => ({ NODE_OPTIONS: `--import=${preload}`, CRASH_POINT: point });

const isLong = kills > 50;

/** In the gate on every line, else on some of them. */
const someOf = <T>(lines: T[], wanted: number[]): T[] =>
  isLong ? lines : wanted.map((index) => lines[index % lines.length] as T);

describe.runIf(onLinux)("a host killed at a point of WhatsApp's path", () => {
  it.each(points.map((point, index) => ({ point, index })))(
    "answers exactly once after a kill $point",
    { timeout: 240_000 },
    async ({ point, index }) => {
      await using site = await linkedSite();
      site.server.faults.resends = false;
      await site.start();
      await site.online();
      const lines = await openLines(site);
      const questions: Question[] = [];
      for (const line of someOf(lines, [index])) {
        await site.end();
        const doomed = await site.start(pointEnv(point));
        await site.online();
        questions.push(await askOn(site, line, `${line.name}walrus`));
        expect(await doomed.ended).toBe("SIGKILL");
        await site.start();
        await expectSound(site, questions, 60_000);
      }
    },
  );

  it("between writing a message and its acknowledgement, repeats it under its id", { timeout: 120_000 }, async () => {
    await using site = await linkedSite();
    const { server } = site;
    server.faults.resends = false;
    await site.start();
    await site.online();
    const questions: Question[] = [];
    for (const line of someOf(await openLines(site), [1, 2])) {
      const { length } = server.received;
      server.faults.acks = "never";
      questions.push(await askOn(site, line, `${line.name}walrus`));
      await server.until(() => server.received.length > length);
      await site.end("SIGKILL");
      server.faults.acks = "at once";
      await site.start();
      await expectSound(site, questions, 60_000);
    }
    expect(figures(site, questions)).toMatchObject({
      ...{ answers: questions.length, repeated: questions.length, unreadableCopies: 0 },
    });
  });
});

describe.runIf(onLinux)(`${kills} kills at random moments of a host on WhatsApp`, () => {
  it("lose nothing, answer nothing twice", { timeout: 240_000 + kills * 20_000 }, async () => {
    await using site = await linkedSite();
    const { server } = site;
    server.faults.resends = false;
    // As far away as a server is.
    server.faults.acks = () => ({ after: Math.random() * 200 });
    await site.start();
    await site.online();
    const lines = await openLines(site);
    const friend = await openReminders(site);
    const flood = new AbortController();
    const asked = speak(site, lines, () => 200 + Math.random() * 300, flood.signal);
    const reminders = remind(site, friend, flood.signal);
    const found = { raw: 0, pending: 0 };
    for (let kill = 0; kill < kills; kill += 1) {
      const left = await killAtRandom(site);
      found.raw += left.raw;
      found.pending += left.pending;
      if (kill % 25 === 24) process.stderr.write(`${kill + 1} kills, ${server.received.length} stanzas\n`);
    }
    await delay(500);
    flood.abort();
    const questions = await asked;
    const chores = await reminders;
    const begun = Date.now();
    await expectSound(site, questions, 180_000);
    await expectReminders(site, chores);
    const lasted = Date.now() - begun;
    await site.end();
    await until(() => processesOf(site.home).length === 0);
    const told = figures(site, questions);
    process.stdout.write(
      `${kills} kills: ${told.questions} questions, ${chores.length} reminders, lost 0, answered twice 0; ` +
        `${told.answers} ids sent, ${told.repeated} of them again, ${told.unreadableCopies} copies unreadable; ` +
        `after kills ${found.raw} messages in the raw inbox alone, ${found.pending} answers unsent; ` +
        `${told.nacks} nacks, ${told.retries} retries; all answered after ${lasted} ms\n`,
    );
  });
});
