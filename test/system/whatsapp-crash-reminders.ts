import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import type { Person } from "../whatsapp-server/people.ts";
import { register } from "./whatsapp-crash-crowd.ts";
import { isQuiet } from "./whatsapp-crash-verdict.ts";
import { until } from "./until.ts";
import type { WhatsAppHost } from "./whatsapp-host.ts";

/** Whom `remind` speaks for; to be made while the host lives. */
export async function openReminders(site: WhatsAppHost): Promise<Person> {
  const friend = site.server.person({ name: "Rita" });
  await register(site, friend.pn, "rita", { senders: "everyone", requiresTrigger: false });
  return friend;
}

/** Asks for reminders that are due within moments, in a chat of its own. */
export async function remind({ server }: WhatsAppHost, friend: Person, signal: AbortSignal): Promise<string[]> {
  const items: string[] = [];
  while (!signal.aborted) {
    const item = `chore${items.length}`;
    items.push(item);
    await server.send(friend, server.phone, `remind me in 5 seconds to do ${item}`);
    await delay(900 + Math.random() * 600, undefined);
  }
  return items;
}

/** Each exists once and is delivered once, or the chat was told that its turn was cut off. */
export async function expectReminders(site: WhatsAppHost, asked: readonly string[]): Promise<void> {
  await until(async () => isQuiet(site) && (await tasks(site)).every(({ status }) => status !== "active"));
  await until(() => isQuiet(site));
  const rows = site.ledger("SELECT prompt FROM scheduled_tasks").map(({ prompt }) => String(prompt));
  const said = (where: string, item: string) =>
    site
      .ledger(`SELECT o.content FROM outbox o WHERE o.folder = 'rita' AND o.status = 'sent' AND ${where}`)
      .filter(({ content }) => new RegExp(`\\b${item}\\b`).test(String(content))).length;
  const cutOff = site.ledger("SELECT 1 FROM outbox WHERE folder = 'rita' AND source = 'notice'").length;
  for (const item of asked) {
    const made = rows.filter((prompt) => new RegExp(`\\b${item}\\b`).test(prompt)).length;
    const confirmed = said("o.task_id IS NULL", item);
    expect({ item, delivered: said("o.task_id IS NOT NULL", item) }).toEqual({ item, delivered: made });
    expect(made, `${item} exists once`).toBeLessThanOrEqual(1);
    expect(confirmed, `${item} is confirmed once at most`).toBeLessThanOrEqual(1);
    if (confirmed === 1) expect(made, `${item} was confirmed`).toBe(1);
    else expect(cutOff, `${item} was not confirmed`).toBeGreaterThan(0);
  }
}

const tasks = (site: WhatsAppHost) => site.ask<TaskView[]>("GET", "/control/tasks");
