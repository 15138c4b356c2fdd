import type { Reply } from "../channels/local/local-channel.ts";
import { safeForTerminal } from "./display.ts";

/** A reply as a terminal shows it; of a file, where it lies. */
export function replyText({ text, file }: Reply): string {
  const lines = file ? [`[file: ${file.path}]`, text] : [text];
  return safeForTerminal(lines.filter((line, at) => at === 0 || line !== "").join("\n"));
}
