import type { Command } from "commander";
import { parsePhoneNumber } from "../domain/phone-number.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface Flags {
  pairingCode?: true;
  phone?: string[];
  owner?: string[];
  force?: true;
  json?: true;
}

export function addAuth(program: Command, terminal: Terminal): void {
  program
    .command("auth")
    .description("Link this machine to a WhatsApp account: by a QR code, or by a code that you type on the phone.")
    .option("--pairing-code", "show a code to type on the phone, instead of a QR code")
    // Several words: numbers are written with spaces, and quotes are forgotten.
    .option("--phone <number...>", "the number that is linked by the code, with country code: +49 152 00000001")
    .option("--owner <number...>", "whose assistant it is, where the account is the assistant's own")
    .option("--force", "link anew although a link works; the old one is kept until the new one works")
    .option("--json", "one JSON object a line")
    .action(async ({ pairingCode, phone, owner, force, json }: Flags) => {
      const flags = {
        number: chosenNumber(pairingCode ?? false, phone?.join(" ")),
        owner: owner === undefined ? undefined : parseNumber(owner.join(" "), "--owner"),
        force: force ?? false,
        json: json ?? false,
      };
      // Loading WhatsApp's client takes longer than most commands.
      const { auth } = await import("./auth-flow.ts");
      try {
        await auth(flags, terminal);
      } finally {
        endSoon();
      }
    });
}

const LEFT_OVER_MS = 100;

/** Baileys leaves a timer of 30 seconds behind, which holds nothing but the process. */
function endSoon(): void {
  setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
}

function chosenNumber(pairingCode: boolean, phone: string | undefined): string | undefined {
  if (pairingCode && phone === undefined) {
    throw new CommandError("--pairing-code needs the number, too: --pairing-code --phone +4915200000001", 2);
  }
  if (!pairingCode && phone !== undefined) {
    throw new CommandError("--phone goes with --pairing-code; a QR code needs no number.", 2);
  }
  return phone === undefined ? undefined : parseNumber(phone);
}

/** @throws {CommandError} that says what is wrong with it. */
export function parseNumber(text: string, flag = "--phone"): string {
  const number = parsePhoneNumber(text);
  if (number.ok) return number.value;
  throw new CommandError(`${flag} ${text}: ${number.problem}, for example +4915200000001.`, 2);
}
