import { ask as request, connect } from "../cli/connection.ts";
import { CommandError } from "../cli/outcome.ts";
import type { Config } from "../config.ts";
import type { GroupView } from "../control/groups.ts";
import { isLocal } from "../domain/ids.ts";
import { parsePhoneNumber } from "../domain/phone-number.ts";
import { connectedAs } from "./connected.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";
import { numberProblem, whatsAppStep } from "./whatsapp.ts";

export const mainStep: Step = {
  name: "main",
  title: "The main chat: yours, from which everything is managed",
  look,
  run,
};

const LOCAL = "the local chat (npm run nanoclaw -- chat)";

async function look(setup: Setup): Promise<State> {
  const config = setup.config();
  const link = await whatsAppStep.look(setup);
  if (link.kind !== "done") return { kind: "done", detail: `${LOCAL}; no WhatsApp is linked` };
  if (config.settings.NANOCLAW_WHATSAPP === "off") return { kind: "done", detail: `${LOCAL}; WhatsApp is off` };
  const chats = await mainChats(config);
  const held = chats.filter((chat) => chat.held).map(({ jid }) => jid);
  const open = chats.filter((chat) => !chat.held).map(({ jid }) => jid);
  if (isAnsweredAnew(setup, config)) return { kind: "todo", detail: "whose number it is is to be changed" };
  if (open.length > 0) return { kind: "done", detail: `${LOCAL}, and on WhatsApp ${open.map(shownJid).join(", ")}` };
  if (held.length > 0) {
    const cure = "npm run nanoclaw -- groups confirm main";
    return { kind: "impossible", detail: `${held.join(", ")} was registered for another account`, cure };
  }
  return { kind: "todo", detail: `${LOCAL} so far` };
}

/** The flags say something else than the settings. */
function isAnsweredAnew({ answers }: Setup, { settings }: Config): boolean {
  const { ownNumber = settings.ASSISTANT_HAS_OWN_NUMBER, owner } = answers;
  return ownNumber !== settings.ASSISTANT_HAS_OWN_NUMBER || (owner !== undefined && !isOwner(settings, owner));
}

const isOwner = ({ NANOCLAW_OWNER }: Config["settings"], number: string): boolean =>
  NANOCLAW_OWNER?.includes(number) === true;

async function mainChats(config: Config): Promise<GroupView["chats"]> {
  using connection = await connect(config);
  const groups = await request<GroupView[]>(connection, "GET", "/control/groups");
  return groups
    .filter(({ folder }) => folder === "main")
    .flatMap(({ chats }) => chats.filter(({ jid }) => !isLocal(jid)));
}

const shownJid = (jid: string): string => jid.replace(/^(\d+)@s\.whatsapp\.net$/, "+$1");

async function run(setup: Setup): Promise<Outcome> {
  const settings = () => JSON.stringify(setup.config().settings);
  const before = settings();
  const missing = await decideWhose(setup);
  if (missing) return missing;
  // One that was started for the question has the settings before.
  if (settings() !== before) await setup.passing.close();
  const account = await connectedAs(setup);
  const chats = (await mainChats(setup.config())).filter(({ held }) => !held);
  if (chats.length > 0) {
    const where = chats.map(({ jid }) => shownJid(jid));
    const how = setup.config().settings.ASSISTANT_HAS_OWN_NUMBER ? `write to +${account} from` : "write to yourself:";
    return { status: "done", detail: `${LOCAL}, and on WhatsApp ${how} ${where.join(", ")}` };
  }
  const detail = "the settings are written; the host that runs knows them after its next start";
  return { status: "done", detail };
}

/** Undefined: it is decided. */
async function decideWhose(setup: Setup): Promise<Outcome | undefined> {
  const { answers, ui } = setup;
  const { settings } = setup.config();
  const own = answers.ownNumber ?? (await askOwn(setup)) ?? settings.ASSISTANT_HAS_OWN_NUMBER;
  if (!own) {
    if (settings.ASSISTANT_HAS_OWN_NUMBER) setup.save({ ASSISTANT_HAS_OWN_NUMBER: null });
    return undefined;
  }
  const owner = answers.owner ?? settings.NANOCLAW_OWNER?.join(",") ?? (await askOwner(setup));
  if (owner === undefined) {
    return {
      status: "needs",
      detail: "whose assistant it is: until that is known it answers nobody",
      flag: "--owner <number>",
    };
  }
  const linked = await linkedNumber(setup);
  if (linked !== undefined && owner === linked) {
    throw new CommandError(`+${owner} is the assistant's own number; the owner's is another one.`);
  }
  ui.note(`Whoever writes from +${owner} may have the assistant do everything.`);
  setup.save({ ASSISTANT_HAS_OWN_NUMBER: "true", NANOCLAW_OWNER: owner });
  return undefined;
}

async function askOwn({ ui }: Setup): Promise<boolean | undefined> {
  if (!ui.ask) return undefined;
  const way = await ui.ask.choose("Whose is the linked number?", [
    { value: "shared", label: "Mine", hint: "the chat with yourself becomes the main chat" },
    { value: "own", label: "The assistant's alone", hint: "you write to it from your own number" },
  ]);
  return way === "own";
}

/** Asked twice: a wrong digit would give everything to somebody else. */
async function askOwner({ ui: { ask } }: Setup): Promise<string | undefined> {
  while (ask) {
    const typed = await ask.text("Your own number, with country code:", numberProblem, "+49 152 00000002");
    const number = parsePhoneNumber(typed);
    if (number.ok && (await ask.confirm(`+${number.value}: whoever writes from there decides everything. Right?`)))
      return number.value;
  }
  return undefined;
}

/** Digits of the link, as `look` told them. */
async function linkedNumber(setup: Setup): Promise<string | undefined> {
  const state = await whatsAppStep.look(setup);
  return /\+(\d+)/.exec(state.detail)?.[1];
}
