import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { storyState, tellStory } from "../domain/explain.ts";
import { localJid, type Folder, type Jid, type TurnId } from "../domain/ids.ts";
import { looksLikeNumber } from "../domain/phone-number.ts";
import { taskView } from "../domain/task.ts";
import { passingReason } from "../store/database.ts";
import type { StoredMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";
import { addGroupSchema, confirmSchema, groupOperations, setGroupSchema } from "./groups.ts";
import { chatNamed } from "./name-persons.ts";
import { purgeGroup, type Purging } from "./purge.ts";
import { beginOwnerClaim, ownerRequestSchema, ownerState } from "./owner.ts";
import { ledgerStatus } from "./status.ts";
import { storyOf } from "./story.ts";
import { addTasks } from "./tasks.ts";

export interface ControlOptions {
  store: Store;
  clock: Clock;
  zone: string;
  /** Facts that only a running host has. */
  host(): {
    running: boolean;
    pid: number;
    startedAt: number;
    runtime: string;
    agent: string;
    channels: { name: string; connected: boolean; detail: string; since?: number | null }[];
    versions: object;
  };
  /** Ends what runs and waits in a group; returns how many turns. */
  stopGroup(folder: Folder): number;
  purging: Purging;
  /** Groups or tasks were changed. */
  onChange(): void;
}

/** The control API: commands and scripts of whoever may open the socket, that is the owner. */
export function createControlApp(options: ControlOptions): Hono {
  const app = new Hono();
  app.onError((error, context) => failure(context, error));
  app.notFound((context) => context.json({ error: `There is no ${context.req.path} here.` }, 404));
  addLooking(app, options);
  addGroups(app, options);
  addTasks(app, options);
  addOwner(app, options);
  return app;
}

function failure(context: Context, error: Error): Response {
  if (error instanceof GroupError) return context.json({ error: error.message }, 409);
  const passing = passingReason(error);
  if (passing) return context.json({ error: `Nothing was changed: ${passing}. Try again when that is cured.` }, 503);
  return context.json({ error: error.message }, 500);
}

function addLooking(app: Hono, { store, clock, zone, host }: ControlOptions): void {
  app.get("/status", (context) => context.json({ ...host(), ...ledgerStatus(store, clock.now()) }));
  app.get("/why", (context) => {
    const given = context.req.query("chat") ?? "main";
    const chat = store.groups.find(given) ? localJid(given as Folder) : chatAsked(store, given);
    const chats = store.groups.find(given) ? store.groups.chatsOf(given as Folder).map(({ jid }) => jid) : [chat];
    const latest = chats.map((jid) => store.messages.latest(jid)).filter((message) => message !== undefined);
    const newest = latest.sort((a, b) => b.seq - a.seq)[0];
    if (newest) return context.json(outcome(store, newest, zone));
    if (store.groups.chat(chat)) return context.json({ state: "empty", lines: [nothingThere(store, chats)] });
    return context.json({ error: `The chat ${given} is not registered. ${registered(store)}` }, 404);
  });
  app.get("/messages/:seq", (context) => {
    const message = store.messages.bySeq(Number(context.req.param("seq")));
    return message
      ? context.json(outcome(store, message, zone))
      : context.json({ error: "There is no such message." }, 404);
  });
}

function nothingThere(store: Store, chats: readonly Jid[]): string {
  const isOver = chats.some((jid) => store.turns.answeredSeq(jid) > 0);
  return isOver ? "What was written here is no longer kept." : "Nobody has written in this chat yet.";
}

/** A chat that nobody registered is told as it was written. */
const chatAsked = (store: Store, given: string): Jid =>
  looksLikeNumber(given) ? chatNamed(store, given) : store.persons.canonical(given);

function registered(store: Store): string {
  const chats = store.groups.chats().map(({ jid }) => jid);
  return chats.length > 0
    ? `Registered are: ${chats.join(", ")}.`
    : "None is yet; the first start makes the main one: npm start";
}

/** What became of a message, and the one-time reminders that its turn made and that are still to come. */
function outcome(store: Store, message: StoredMessage, zone: string) {
  const story = storyOf(store, message, zone);
  const made = story.turnId === null ? [] : store.tasks.madeBy(story.turnId as TurnId);
  const replies = story.turnId === null ? [] : store.outbox.ofTurn(story.turnId as never);
  return {
    state: storyState(story),
    lines: tellStory(story),
    held: story.turn?.status === "queued" && story.told,
    message: { seq: message.seq, text: message.text.slice(0, 80), sentAt: message.sentAt },
    lastReply: Math.max(0, ...replies.map(({ seq }) => seq)),
    reminders: made.filter(({ schedule, status }) => schedule.type === "once" && status === "active").map(taskView),
    recurring: made.filter(({ schedule, status }) => schedule.type !== "once" && status === "active").map(taskView),
    newestReply: store.outbox.newestSeq(message.chat),
  };
}

function addGroups(app: Hono, { store, clock, stopGroup, purging, onChange }: ControlOptions): void {
  const groups = groupOperations(store, clock);
  const changed = <T>(context: Context, result: T): Response => {
    onChange();
    return context.json(result as object);
  };
  app.get("/groups", (context) => context.json(groups.list()));
  app.post("/groups", async (context) => {
    const body = addGroupSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    return changed(context, groups.add(body.data));
  });
  app.post("/groups/confirm", async (context) => {
    const body = confirmSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    return changed(context, groups.confirm(body.data.folder));
  });
  app.patch("/groups/:folder", async (context) => {
    const body = setGroupSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    return changed(context, groups.set(context.req.param("folder"), body.data));
  });
  const remove = (folder: string) => {
    const removed = groups.remove(folder);
    stopGroup(removed.folder);
    // What stays between turns has nothing to wait for any more.
    purging.gone(removed.folder).catch(() => {});
    return removed;
  };
  app.delete("/groups/:folder", (context) => changed(context, remove(context.req.param("folder"))));
  app.post("/groups/:folder/purge", async (context) =>
    changed(context, await purgeGroup({ store, purging, remove }, context.req.param("folder"))),
  );
  app.post("/groups/:folder/new", (context) => changed(context, groups.startFresh(context.req.param("folder"))));
  app.post("/groups/:folder/stop", (context) => {
    const folder = context.req.param("folder");
    if (!store.groups.find(folder)) return context.json({ error: `There is no group "${folder}".` }, 404);
    return context.json({ stopped: stopGroup(folder as Folder) });
  });
}

/** Whoever may open this socket may say whose code counts. */
function addOwner(app: Hono, { store, clock }: ControlOptions): void {
  app.get("/owner", (context) => context.json(ownerState(store)));
  app.post("/owner", async (context) => {
    const body = ownerRequestSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    return context.json(beginOwnerClaim(store, body.data.number, clock));
  });
}

const bodyOf = (context: Context): Promise<unknown> => context.req.json().catch(() => undefined);
