import { DateTime } from "luxon";
import type { Message } from "./parse-prompt.ts";
import type { Situation } from "./desk.ts";
import { sentence, shortened } from "./say-task.ts";
import { momentPhrase } from "./say-time.ts";

const SHOWN = 5;

export async function replySearch(query: string, asked: Message, situation: Situation): Promise<string> {
  const found = await situation.desk.search(query);
  if (!found.ok) return `I could not search: ${sentence(found.reason)}`;
  // The question itself is history too by now.
  const others = found.value.messages.filter((message) => message.text.trim() !== asked.text.trim());
  if (others.length === 0) return `I found no other message with “${query}”.`;
  const lines = others.slice(0, SHOWN).map((message) => {
    const time = DateTime.fromISO(message.time, { zone: situation.now.zone });
    const when = time.isValid ? momentPhrase(time, situation.now) : message.time;
    return `• ${message.sender}, ${when}: ${shortened(message.text)}`;
  });
  const more =
    others.length > SHOWN || found.value.more ? "\nThere are older ones; search for more words to narrow it down." : "";
  return `I found this for “${query}”:\n${lines.join("\n")}${more}`;
}
