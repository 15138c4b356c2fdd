import { createInterface } from "node:readline";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { OwnerState } from "../control/owner.ts";
import { parsePhoneNumber } from "../domain/phone-number.ts";
import { humanInZone } from "../domain/zone.ts";
import type { Say } from "./auth-display.ts";
import { ask, connect, type Connection } from "./connection.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

export interface OwnerQuestion {
  config: Config;
  terminal: Terminal;
  say: Say;
  /** Of the account that is linked; undefined when it is not known. */
  number: string | undefined;
  /** Whom the command line names. */
  owner: string | undefined;
  /** Nobody is there to be asked. */
  isProgram: boolean;
}

interface Claim {
  number: string;
  code: string;
  until: number;
}

/** @throws {CommandError} when the flag can mean nothing. */
export function assertOwnerFlag(owner: string | undefined, { settings }: Config): void {
  if (owner === undefined) return;
  if (!settings.ASSISTANT_HAS_OWN_NUMBER) {
    throw new CommandError(
      "--owner goes with ASSISTANT_HAS_OWN_NUMBER=true: on a shared number the owner is whoever holds the phone.",
      2,
    );
  }
  if (settings.NANOCLAW_OWNER !== undefined) {
    throw new CommandError("NANOCLAW_OWNER says already who the owner is; take it away to have another one proved.", 2);
  }
}

/** An account of the assistant's own needs to know whose assistant it is: the owner sends a code. */
export async function proveOwner({ config, terminal, say, number, owner, isProgram }: OwnerQuestion): Promise<void> {
  const { settings } = config;
  if (!settings.ASSISTANT_HAS_OWN_NUMBER || settings.NANOCLAW_OWNER !== undefined) return;
  // With no host running, what is connected holds the home: not for as long as somebody thinks.
  const proved = await withConnection(config, provedOwner);
  if (owner === undefined && proved !== null) return;
  const canAsk = !isProgram && terminal.stdin.isTTY && terminal.stdout.isTTY;
  const claimed = owner ?? (canAsk ? await askNumber(terminal) : undefined);
  if (claimed === undefined) return say("owner-needed", needed);
  if (claimed === number) throw new CommandError("That is the assistant's own number; the owner's is another one.");
  if (claimed === proved) return say("owner", `+${claimed} is the owner's number already.`, { owner: claimed });
  using connection = await connect(config);
  const claim = await ask<Claim>(connection, "POST", "/control/owner", { number: claimed });
  say("owner-code", instructions(claim, number, config.zone), { owner: claim.number, code: claim.code });
  if (connection.live) return await waitForProof(connection, claim, say, terminal.interrupted);
  say("owner-later", "No host runs now: the code is taken when one does. Start it with: npm start");
}

const needed = [
  "Whose assistant is it? Until that is known, it answers nobody on WhatsApp. Say it with:",
  "  npm run auth -- --owner <the owner's number>",
];

const instructions = ({ number, code, until }: Claim, to: string | undefined, zone: string): string[] => [
  `To prove that +${number} is the owner's number, send this from there to ${to === undefined ? "the assistant" : `+${to}`} on WhatsApp:`,
  "",
  `    ${code}`,
  "",
  `It is good until ${humanInZone(until, zone)}, and for nobody else.`,
];

async function withConnection<T>(config: Config, work: (connection: Connection) => Promise<T>): Promise<T> {
  using connection = await connect(config);
  return await work(connection);
}

const provedOwner = async (connection: Connection): Promise<string | null> =>
  (await ask<{ proved: string | null }>(connection, "GET", "/control/owner")).proved;

/** @returns undefined when nobody wants to say it now. */
export async function askNumber({
  stdin,
  stdout,
  interrupted,
}: Pick<Terminal, "stdin" | "stdout" | "interrupted">): Promise<string | undefined> {
  using lines = createInterface({ input: stdin, output: stdout });
  const close = () => lines.close();
  let isClosed = false;
  lines.once("close", () => (isClosed = true));
  lines.once("SIGINT", close);
  interrupted.addEventListener("abort", close, { once: true });
  if (interrupted.aborted) return undefined;
  lines.setPrompt("Whose assistant is it? The owner's number, with country code (empty: later): ");
  lines.prompt();
  for await (const typed of lines) {
    if (typed.trim() === "") return undefined;
    const number = parsePhoneNumber(typed);
    if (number.ok) return number.value;
    stdout.write(`${number.problem}, for example +4915200000001.\n`);
    // What was typed ahead is still to be read.
    if (!isClosed) lines.prompt();
  }
  return undefined;
}

const LOOK_MS = 500;

/** To leave it costs nothing: the host knows the code. */
async function waitForProof(connection: Connection, claim: Claim, say: Say, interrupted: AbortSignal): Promise<void> {
  say("owner-waiting", "Waiting for it. (Ctrl-C leaves; the code counts all the same.)");
  while (!interrupted.aborted && systemClock.now() < claim.until) {
    const { proved, endedByWrongCodes } = await ask<OwnerState>(connection, "GET", "/control/owner");
    if (proved === claim.number) {
      return say("owner", `+${claim.number} is the owner's number: it came from there.`, { owner: claim.number });
    }
    if (endedByWrongCodes === claim.number) {
      throw new CommandError(
        `Too many wrong codes came from +${claim.number}: this one counts no more. For another one: npm run auth -- --owner +${claim.number}`,
      );
    }
    await systemClock.sleep(LOOK_MS, interrupted);
  }
  if (interrupted.aborted) return;
  throw new CommandError(`The code did not come in time. For another one: npm run auth -- --owner +${claim.number}`);
}
