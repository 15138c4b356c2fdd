import { expect, test } from "vitest";
import type { StatusFacts } from "./status-facts.ts";
import { needsOf } from "./status-needs.ts";

const HOUR = 60 * 60_000;
const versions = { nanoclaw: "1.0.0", node: "v24", baileys: "7" };

const facts = (changes: Partial<StatusFacts> = {}): StatusFacts => ({
  ...{ running: true, pid: 1, startedAt: 0, runtime: "docker", agent: "kiro", now: 10 * HOUR, kiroSeen: true },
  ...{ groups: [], runningTurns: [], waitingTurns: [], inLine: [], unsent: 0, unsentChats: [], nextTasks: [] },
  ...{ lastFailures: [], retention: null, heldChats: [], image: null, kiroCli: null },
  ...{ channels: [{ name: "local", connected: true, detail: "" }], versions, installed: versions },
  service: { kind: "running", pid: 1, detail: "", stale: false },
  ...changes,
});

const whatsapp = (detail: string, connected = false) => ({ channels: [{ name: "whatsapp", connected, detail }] });
const waits = (failureClass: string | null) =>
  ({ waitingTurns: [{ failureClass }, { failureClass }] }) as unknown as Partial<StatusFacts>;
const unsent = (since: number) =>
  ({ unsentChats: [{ chat: "1@g.us", folder: "main", count: 2, since }] }) as unknown as Partial<StatusFacts>;
const problems = { at: 0, removed: {}, problems: ["the disk is full"] };

test.each<[string, Partial<StatusFacts>, string[]]>([
  ["all is well", {}, []],
  ["no host", { running: false, service: { ...facts().service, kind: "not-installed" } }, ["npm start"]],
  ["no host, with a service", { running: false }, ["npm run nanoclaw -- service start"]],
  ["the link is gone", whatsapp("WhatsApp has unlinked this machine; link it again: npm run auth"), ["npm run auth"]],
  ["another one has the link", whatsapp("another program uses this very link; trying again"), ["end that program"]],
  ["nobody linked it yet", whatsapp("not linked yet: npm run auth"), []],
  ["the network is away", whatsapp("cannot be reached (408); trying again at 18:00"), []],
  ["it connects", whatsapp("connecting as +49"), []],
  [
    "chats of another account",
    { heldChats: [{ jid: "1@g.us", folder: "a", account: "49" }] },
    ["npm run nanoclaw -- groups confirm"],
  ],
  ["a login is waited for, by several turns", waits("logged-out"), ["kiro-cli login"]],
  ["the image is missing", waits("image-mismatch"), ["npm run nanoclaw -- doctor --fix"]],
  ["it is tried again by itself", waits("crash"), []],
  ["somebody waits for a place", waits(null), []],
  ["unsent for long", unsent(9 * HOUR), ["see the channels above; npm run nanoclaw -- logs --errors"]],
  ["unsent since just now", unsent(10 * HOUR - 60_000), []],
  [
    "the service is out of date",
    { service: { ...facts().service, stale: true } },
    ["npm run nanoclaw -- service install"],
  ],
  [
    "the host is older than what is installed",
    { installed: { ...versions, nanoclaw: "2.0.0" } },
    ["npm run nanoclaw -- service restart"],
  ],
  ["what is too old stays", { retention: problems }, ["npm run nanoclaw -- doctor"]],
])("%s", (_, changes, cures) => {
  expect(needsOf(facts(changes)).map(({ cure }) => cure)).toEqual(cures);
});

test("messages to a chat that is held wait for its owner, not for the network", () => {
  const held = { heldChats: [{ jid: "1@g.us", folder: "a", account: "49" }] };
  expect(needsOf(facts({ ...unsent(0), ...held })).map(({ what }) => what)).toEqual(["Chats of another account: 1"]);
});
