import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startWhatsAppServer, type WhatsAppServer } from "../whatsapp-server/whatsapp-server.ts";
import type { Command } from "./command.ts";
import {
  endsOf,
  keys,
  lineOf,
  linesOf,
  openSetupSite,
  type Dialogue,
  type Line,
  type SetupSite,
} from "./setup-site.ts";
import { until } from "./until.ts";

const OWNER = "4915112345678";

interface LinkSite extends AsyncDisposable {
  site: SetupSite;
  server: WhatsAppServer;
  env: Record<string, string>;
  /** `setup --json`, scanning the code that it shows. */
  link(args: string[]): Promise<{ exit: number | string; lines: Line[] }>;
  groups(): Promise<Record<string, unknown>[]>;
}

async function openLinkSite(): Promise<LinkSite> {
  const server = await startWhatsAppServer();
  const site = openSetupSite();
  const env = { NANOCLAW_WHATSAPP_URL: server.url, NANOCLAW_AGENT_RUNTIME: "host" };
  return {
    ...{ site, server, env },
    link: async (args) => {
      await using command = site.run(["setup", "--json", ...args], env);
      await server.scanQr(String((await waiting(command, "qr")).qr));
      return { exit: await command.ended, lines: linesOf(command) };
    },
    groups: async () => {
      await using command = site.run(["groups", "list", "--json"]);
      await command.ended;
      return JSON.parse(command.stdout()) as Record<string, unknown>[];
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      site[Symbol.dispose]();
    },
  };
}

async function waiting(command: Command, type: string): Promise<Line> {
  const find = () => linesOf(command).findLast((line) => line.type === type);
  let isOver = false;
  void command.ended.then(() => (isOver = true));
  await until(() => find() !== undefined || isOver);
  const found = find();
  if (!found) throw new Error(`it ended without "${type}": ${command.stdout()}${command.stderr()}`);
  return found;
}

const family = ({ server }: LinkSite, subject = "Família & Freunde") =>
  server.group({ subject, members: [server.phone, server.person({ name: "Finn" })] });

describe("setup of WhatsApp, for a program", { timeout: 120_000 }, () => {
  test("links, makes the chat with oneself main, and registers groups by name for the owner alone", async () => {
    await using place = await openLinkSite();
    const group = family(place);
    const { site, server, env } = place;
    const only = ["--only", "kiro,whatsapp,main,groups", "--kiro", "skip", "--group", "família & freunde"];
    const { exit, lines } = await place.link([...only, "--whatsapp", "qr"]);
    const done = { whatsapp: "done", main: "done", groups: "done", summary: "done" };
    expect([exit, endsOf(lines)]).toEqual([0, { kiro: "skipped", ...done }]);
    // Nobody may take it for an assistant that answers.
    expect(lineOf(lines, "kiro").detail).toContain("nobody on WhatsApp");
    expect(lineOf(lines, "summary").detail).toContain("groups set main --agent offline");
    expect(lineOf(lines, "main").detail).toContain(`write to yourself: +${server.phone.number}`);
    const [main, registered] = await place.groups();
    expect(main).toMatchObject({
      folder: "main",
      chats: expect.arrayContaining([expect.objectContaining({ jid: server.phone.pn })]) as unknown,
    });
    const chat = { jid: group.jid, senders: "owner", requiresTrigger: true, trigger: null };
    expect(registered).toMatchObject({ folder: "familia-freunde", name: group.subject, chats: [chat] });
    // Again: nothing is asked of the phone, and nothing is registered twice.
    const again = await site.setup(only, env);
    expect([again.exit, again.lines.filter(({ status }) => status === "waiting")]).toEqual([0, []]);
    expect(await place.groups()).toHaveLength(2);
    expect(server.problems).toEqual([]);
  });

  test("a number that WhatsApp does not take is told; a group that is not there, too, before any is registered", async () => {
    await using place = await openLinkSite();
    family(place);
    const { site, env } = place;
    const wrong = await site.setup(["--only", "whatsapp", "--phone", "+1 555 000 00 00"], env);
    expect([wrong.exit, lineOf(wrong.lines, "whatsapp").detail]).toEqual([
      1,
      expect.stringContaining("did not accept this number"),
    ]);
    const names = ["Família & Freunde", "Family"];
    const { exit, lines } = await place.link(["--only", "whatsapp,groups", "--whatsapp", "qr", "--group", ...names]);
    expect([exit, lineOf(lines, "groups").detail]).toEqual([
      1,
      'there is no group "Family"; the account is in: "Família & Freunde"',
    ]);
    expect(await place.groups()).toHaveLength(1);
  });

  test("an account of the assistant's own needs its owner's number, and gets a main chat with it", async () => {
    await using place = await openLinkSite();
    const { site, env } = place;
    const { exit, lines } = await place.link(["--only", "whatsapp,main", "--whatsapp", "qr", "--own-number"]);
    expect([exit, lineOf(lines, "main")]).toEqual([
      1,
      expect.objectContaining({ status: "needs", flag: "--owner <number>" }),
    ]);
    const own = lineOf((await site.setup(["--only", "main", "--owner", place.server.phone.number], env)).lines, "main");
    expect(own.detail).toContain("is the assistant's own number");
    const given = await site.setup(["--only", "main", "--owner", OWNER], env);
    expect([given.exit, lineOf(given.lines, "main").detail]).toEqual([0, expect.stringContaining(`from +${OWNER}`)]);
    expect(readFileSync(join(site.home, ".env"), "utf8")).toBe(
      `ASSISTANT_HAS_OWN_NUMBER=true\nNANOCLAW_OWNER=${OWNER}\n`,
    );
  });
});

const LINK = "Link this machine to WhatsApp?";
const PHONE = "The phone's number";
const WHOSE = "Whose is the linked number?";
const YOURS = "Your own number";
const WHICH = "In which groups should";
const CODE = /\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/;
/** The newest one. */
const codeOn = (dialogue: Dialogue) => dialogue.screen().match(new RegExp(CODE, "g"))?.at(-1) ?? "";
const WHO = "Who may call it there";

describe.runIf(process.platform === "linux")("setup of WhatsApp, at a terminal", { timeout: 120_000 }, () => {
  test("a wrong number is explained and asked again; groups are chosen from a list", async () => {
    await using place = await openLinkSite();
    family(place);
    const { site, server, env } = place;
    await using dialogue = site.interactive(["--only", "whatsapp,main,groups"], env);
    await dialogue.answer(LINK, keys.down + keys.enter);
    await dialogue.answer(PHONE, `0151 1${keys.enter}`);
    await dialogue.answer(/it lacks the country code/, `${keys.clear}+1 555 000 00 00${keys.enter}`);
    await dialogue.says(/did not accept this number/);
    await dialogue.answer("It is not linked yet.", keys.down + keys.enter);
    await dialogue.answer(PHONE, `+${server.phone.number}${keys.enter}`);
    await dialogue.says(CODE);
    await server.enterPairingCode(codeOn(dialogue));
    await dialogue.answer(WHOSE, keys.enter);
    await dialogue.answer(WHICH, keys.space + keys.enter);
    await dialogue.answer(WHO, keys.down + keys.enter);
    expect(await dialogue.ended).toBe(0);
    expect(dialogue.screen()).toContain("Done: whatsapp, main, groups. Nothing is left to do.");
    expect((await place.groups())[1]).toMatchObject({ folder: "familia-freunde", chats: [{ senders: "everyone" }] });
  });

  const leave = async ({ site, env }: LinkSite, step: string, come: (dialogue: Dialogue) => Promise<void>) => {
    await using dialogue = site.interactive(["--only", step], env);
    await come(dialogue);
    expect(await dialogue.ended).toBe(130);
    expect(dialogue.screen()).toContain(`Stopped at ${step}.`);
  };

  test("Ctrl-C leaves while a code waits to be scanned, and at the question whose number it is", async () => {
    await using place = await openLinkSite();
    await leave(place, "whatsapp", async (dialogue) => {
      await dialogue.answer(LINK, keys.enter);
      await dialogue.answer(/As a picture: /, keys.ctrlC);
    });
    await place.link(["--only", "whatsapp", "--whatsapp", "qr"]);
    await leave(place, "main", (dialogue) => dialogue.answer(WHOSE, keys.ctrlC));
    await leave(place, "main", async (dialogue) => {
      await dialogue.answer(WHOSE, keys.down + keys.enter);
      await dialogue.answer(YOURS, keys.ctrlC);
    });
    await leave(place, "main", async (dialogue) => {
      await dialogue.answer(WHOSE, keys.down + keys.enter);
      await dialogue.answer(YOURS, `+${OWNER}0${keys.enter}`);
      await dialogue.answer(`+${OWNER}0: whoever writes from there decides everything.`, "n");
      await dialogue.answer(/Right\?[^]*Your own number/, keys.ctrlC);
    });
    expect(existsSync(join(place.site.home, ".env"))).toBe(false);
  });

  test("Ctrl-C leaves at the list of groups, and before any is registered", async () => {
    await using place = await openLinkSite();
    family(place);
    await place.link(["--only", "whatsapp", "--whatsapp", "qr"]);
    await leave(place, "groups", (dialogue) => dialogue.answer(WHICH, keys.ctrlC));
    await leave(place, "groups", async (dialogue) => {
      await dialogue.answer(WHICH, keys.space + keys.enter);
      await dialogue.answer(WHO, keys.ctrlC);
    });
    expect(await place.groups()).toHaveLength(1);
  });
});
