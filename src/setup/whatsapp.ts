import { existsSync } from "node:fs";
import { join } from "node:path";
import { named } from "../cli/auth-words.ts";
import { findWhatsAppHost, needsLinking } from "../cli/whatsapp-host.ts";
import type { Config } from "../config.ts";
import { parsePhoneNumber } from "../domain/phone-number.ts";
import { homePaths } from "../home.ts";
import { openWhatsAppState } from "../store/whatsapp-state.ts";
import { linkWhatsApp } from "./link-whatsapp.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";
import { Cancelled } from "./ui.ts";

export const whatsAppStep: Step = { name: "whatsapp", title: "WhatsApp: the account that is linked", look, run };

async function look({ config }: Setup): Promise<State> {
  const now = config();
  if (now.settings.NANOCLAW_WHATSAPP === "off") return { kind: "done", detail: "switched off: NANOCLAW_WHATSAPP=off" };
  const host = await findWhatsAppHost(now);
  const channel = await host?.whatsApp();
  if (!channel) return lookAtFiles(now);
  if (needsLinking(channel)) return { kind: "todo", detail: channel.detail };
  return { kind: "done", detail: `the running host is ${channel.connected ? "connected " : ""}${channel.detail}` };
}

/** What the link's own file says: nothing is connected for it. */
function lookAtFiles({ home }: Config): State {
  const folder = homePaths(home).auth;
  if (!existsSync(join(folder, "state.db"))) {
    const isOther = existsSync(join(folder, "creds.json"));
    return { kind: "todo", detail: isOther ? "a link of another program is to be taken over" : "not linked" };
  }
  const opened = openWhatsAppState(folder, "nanoclaw setup");
  if ("heldBy" in opened) return { kind: "done", detail: "linked, and in use by another program" };
  using state = opened.state;
  const link = state.current();
  if (!link) return { kind: "todo", detail: "not linked" };
  if (link.refused) return { kind: "todo", detail: `the phone has unlinked this machine from ${named(link.account)}` };
  return { kind: "done", detail: `linked as ${named(link.account)}` };
}

type Way = "qr" | "code" | "skip" | "unsaid";

/** A number that is wrong, or a code that expired, is asked for again. */
async function run(setup: Setup): Promise<Outcome> {
  const { answers, ui, terminal } = setup;
  let way: Way = answers.whatsapp ?? (await ask(setup, "Link this machine to WhatsApp?"));
  for (let given = answers.phone; ; given = undefined) {
    if (way === "skip") return { status: "skipped", detail: "not linked; the local chat works", cure: later };
    if (way === "unsaid") return { status: "needs", detail: "whether and how to link WhatsApp", flag: flags };
    const number = way === "code" ? (given ?? (await askNumber(setup))) : undefined;
    if (way === "code" && number === undefined) {
      return { status: "needs", detail: "the phone's number", flag: "--whatsapp code --phone <number>" };
    }
    try {
      return await linkWhatsApp(setup, number);
    } catch (error) {
      if (terminal.interrupted.aborted) throw new Cancelled();
      if (!ui.ask) throw error;
      ui.note((error as Error).message);
      way = await ask(setup, "It is not linked yet.");
    }
  }
}

const later = "npm run nanoclaw -- setup --only whatsapp";
const flags = "--whatsapp qr|code|skip";

async function ask({ ui, answers }: Setup, message: string): Promise<Way> {
  if (!ui.ask) return answers.yes ? "skip" : "unsaid";
  return ui.ask.choose<Way>(message, [
    { value: "qr", label: "By a QR code", hint: "scanned with the phone" },
    { value: "code", label: "By a code", hint: "typed on the phone; asks for its number" },
    { value: "skip", label: "Not now", hint: "the local chat works without it" },
  ]);
}

async function askNumber({ ui }: Setup): Promise<string | undefined> {
  const typed = await ui.ask?.text("The phone's number, with country code:", numberProblem, "+49 152 00000001");
  const number = parsePhoneNumber(typed ?? "");
  return number.ok ? number.value : undefined;
}

export function numberProblem(text: string): string | undefined {
  const number = parsePhoneNumber(text);
  return number.ok ? undefined : `${number.problem}, for example +4915200000001`;
}
