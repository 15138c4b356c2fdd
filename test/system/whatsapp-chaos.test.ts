import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { onLinux } from "./processes.ts";
import { calm, shuffled, troubles, type Chaos } from "./whatsapp-chaos-faults.ts";
import { askOn, openLines } from "./whatsapp-crash-crowd.ts";
import { figures, judge, sound, untilOver } from "./whatsapp-crash-verdict.ts";
import { openWhatsAppHost } from "./whatsapp-host.ts";

/** How long things go wrong; the gate takes longer. */
const seconds = Number(process.env["WHATSAPP_CHAOS_SECONDS"] ?? 8);
/** A dead connection is noticed after a minute: only the long run waits for that. */
const isLong = seconds >= 60;

/** Mebibytes. */
function memoryOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? "self"}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function talk({ site, lines, questions }: Chaos, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const line of lines) {
      if (!signal.aborted) questions.push(await askOn(site, line, `${line.name}item${questions.length}`));
      await delay(200 + Math.random() * 400);
    }
  }
}

async function goWrong(chaos: Chaos): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const under: Promise<void>[] = [];
  const end = Date.now() + seconds * 1_000;
  for (const name of shuffled()) {
    if (Date.now() >= end) break;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    process.stderr.write(`${new Date().toISOString()} ${name}\n`);
    under.push(Promise.resolve(troubles[name]?.(chaos)));
    await delay(300 + Math.random() * (isLong ? 3_000 : 700));
  }
  await Promise.all(under);
  return counts;
}

describe.runIf(onLinux)("a server that does everything wrong", () => {
  it(`for ${seconds} s: all is answered once it is well again`, { timeout: seconds * 1_000 + 1_500_000 }, async () => {
    await using site = await openWhatsAppHost({ settings: { LOG_LEVEL: "debug" } });
    const host = await site.start();
    await site.online();
    const chaos: Chaos = { site, lines: await openLines(site), questions: [] };
    const before = memoryOf(host.child.pid);
    const flood = new AbortController();
    const talking = talk(chaos, flood.signal);
    const counts = await goWrong(chaos);
    flood.abort();
    await talking;
    const during = memoryOf(host.child.pid);
    calm(site);
    if (!isLong) site.server.drop();
    const begun = Date.now();
    await site.online();
    const connected = Date.now() - begun;
    await untilOver(site, chaos.questions, 1_200_000);
    const lasted = Date.now() - begun;

    expect(judge(site, chaos.questions)).toEqual(sound);
    expect(host.child.exitCode).toBeNull();
    const told = figures(site, chaos.questions);
    const faults = [...counts.values()].reduce((sum, count) => sum + count, 0);
    process.stdout.write(
      `${seconds} s, ${faults} faults of ${counts.size} kinds, ${site.device().logins} logins: ${told.questions} questions, lost 0, ` +
        `answered twice 0; ${told.answers} ids sent, ${told.repeated} of them again, ${told.nacks} nacks, ${told.retries} retries; ` +
        `connected again after ${connected} ms, all answered after ${lasted} ms; ` +
        `${before} MiB before, ${during} after, ${memoryOf(host.child.pid)} in the end\n`,
    );
  });
});
