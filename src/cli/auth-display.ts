import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EstablishEvent } from "../channels/whatsapp/establish.ts";
import { qrPicture, qrText } from "./qr-code.ts";
import type { Terminal } from "./terminal.ts";

/** Lines for a person; for a program an object with the same in `text`. */
export type Say = (type: string, lines: string | string[], facts?: object) => void;

/** Shows a person, or a program, how to link. */
export interface AuthDisplay extends Disposable {
  event(event: EstablishEvent): void;
}

export interface DisplayOptions {
  say: Say;
  json: boolean;
  /** Where codes are left for whoever cannot see this terminal. They are gone at the end. */
  folder: string;
  terminal: Terminal;
}

/** Whoever holds one of these can link a device: they are for the owner's eyes only. */
const files = { picture: "qr.png", text: "qr.txt", code: "pairing-code.txt" } as const;

export const createSay =
  (json: boolean, { stdout }: Terminal): Say =>
  (type, lines, facts = {}) => {
    const text = [lines].flat().join("\n");
    stdout.write(json ? `${JSON.stringify({ type, ...facts, text })}\n` : `${text}\n`);
  };

/** To be made by whoever holds the link: the codes of another `auth` would be removed. */
export function createDisplay({ say, json, folder, terminal: { stdout } }: DisplayOptions): AuthDisplay {
  const at = (name: keyof typeof files) => join(folder, files[name]);
  const removeFiles = () => {
    for (const name of Object.values(files)) rmSync(join(folder, name), { force: true });
  };
  const showQr = (qr: string) => {
    const plain = qrText(qr, { colours: false });
    writePrivately(at("text"), `${plain.lines.join("\n")}\n`);
    writePrivately(at("picture"), qrPicture(qr));
    const facts = { qr, picture: at("picture"), textFile: at("text") };
    if (json) return say("qr", "Scan this code with the phone.", facts);
    const fits = !stdout.isTTY || stdout.columns >= plain.width;
    const drawing = stdout.isTTY ? qrText(qr, { colours: true }) : plain;
    say("qr", [...scan, ...(fits ? drawing.lines : [tooNarrow(plain.width)]), `As a picture: ${at("picture")}`]);
  };
  removeFiles();
  return {
    event: (event) => {
      switch (event.type) {
        case "qr":
          return showQr(event.qr);
        case "code": {
          const code = `${event.code.slice(0, 4)}-${event.code.slice(4)}`;
          writePrivately(at("code"), `${code}\n`);
          return say("code", [...type, "", `    ${code}`, "", "It is good for about two and a half minutes."], {
            code,
          });
        }
        case "code-refused":
          return say("code-refused", "What was typed on the phone was another code. Try it again.");
        case "agreed":
          removeFiles();
          return say("agreed", "The phone agreed. Logging in …");
        case "retry": {
          const when = event.delay < 1_000 ? "now" : `in ${Math.round(event.delay / 1_000)} s`;
          return say("retry", `The connection was lost (${event.detail}); trying again ${when}.`);
        }
        default:
          return event satisfies never;
      }
    },
    [Symbol.dispose]: removeFiles,
  };
}

const where = "On the phone: WhatsApp > Settings (on Android the three dots) > Linked devices > Link a device";
const scan = [`${where}. Then scan this; it changes now and then:`, ""];
const type = [`${where} > Link with phone number instead. Then type:`];

const tooNarrow = (width: number): string =>
  `(This terminal is too narrow to show the code: it needs ${width} columns. Widen it, or open the picture.)`;

/** Whole or not at all: another program may be waiting for it. */
function writePrivately(path: string, content: string | Buffer): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}
