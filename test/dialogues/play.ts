import { DateTime } from "luxon";
import { expect } from "vitest";
import { ledgerHost, type LedgerHost } from "./ledger-host.ts";
import type { Dialogue, Step } from "./parse-dialogues.ts";

interface Stage {
  dialogue: Dialogue;
  host: LedgerHost;
  /** What the person saw last. */
  said: string;
}

/**
 * Plays a dialogue from its first line to its last; fails where something else happens. `hostZone`
 * is the host's own zone, which must make no difference.
 */
export async function play(dialogue: Dialogue, hostZone: string): Promise<void> {
  await using host = ledgerHost(dialogue, hostZone);
  const stage: Stage = { dialogue, host, said: "" };
  for (const step of dialogue.steps) await playStep(step, stage);
}

async function playStep(step: Step, stage: Stage): Promise<void> {
  const { host, dialogue } = stage;
  const at = (time: string) => DateTime.fromISO(time, { zone: dialogue.chat.zone }).toMillis();
  switch (step.kind) {
    case "turn": {
      const sentAt = step.sent ? at(step.sent) : host.now() - 2000;
      stage.said = await host.hear(step.messages, sentAt, step.cutOff);
      return;
    }
    case "clock":
      stage.said = await host.sleep(at(step.time));
      return;
    case "pass":
      stage.said = await host.pass(host.now() + step.seconds * 1000);
      return;
    case "says":
      return step.wanted ? expect(stage.said).toMatch(step.pattern) : expect(stage.said).not.toMatch(step.pattern);
    case "tasks":
      return expect(taskLines(host)).toEqual(step.tasks);
    default:
      return step satisfies never;
  }
}

/** Type, value, zone and what the reminder says, next one first. */
const taskLines = (host: LedgerHost): string[] =>
  host.tasks().map(({ schedule_type, schedule_value, zone, prompt }) => {
    const text = prompt.replace(/^Send this reminder: /, "").replaceAll("\n", "\\n");
    return `${schedule_type} ${schedule_value} ${zone} "${text}"`;
  });
