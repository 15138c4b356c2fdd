import type { TurnInput } from "../src/protocol/index.ts";

const head = '<chat name="Main" jid="local:main" group="main" zone="Europe/Berlin" now="2026-11-22T18:00:05+01:00" />';

/** A prompt as the host writes it, with one message in it; the text must need no escaping. */
export const promptOf = (text: string): string =>
  `${head}\n<messages zone="Europe/Berlin">\n<message sender="Ann" time="2026-11-22T17:59:58+01:00">${text}</message>\n</messages>`;

export const turnInput = (changes: Partial<TurnInput> = {}): TurnInput => ({
  protocol: 1,
  turn: "abcdefghijkl",
  attempt: 1,
  kind: "message",
  group: { folder: "main", name: "Main", main: true },
  chat: { jid: "local:main", name: "Main", zone: "Europe/Berlin" },
  prompt: promptOf("help"),
  session: null,
  recap: null,
  agent: { backend: "offline", assistantName: "Andy" },
  limits: { outputBytes: 65_536 },
  secrets: { KEY: "very-secret-value" },
  now: Date.now(),
  frameToken: "0123456789abcdef",
  oneShot: true,
  ...changes,
});
