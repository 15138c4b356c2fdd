import type { Intent } from "./intent.ts";
import type { Message } from "./parse-prompt.ts";
import type { Situation } from "./desk.ts";
import { replyRemind } from "./reply-remind.ts";
import { replySearch } from "./reply-search.ts";
import { replyCancel, replyList } from "./reply-tasks.ts";
import { sentences } from "./sentences.ts";

/** Does what a message asks for and says what became of it. */
export function reply(intent: Intent, asked: Message, situation: Situation): Promise<string> | string {
  switch (intent.kind) {
    case "remind":
      return replyRemind(intent, situation);
    case "list":
      return replyList(situation);
    case "cancel":
      return replyCancel(intent.which, situation);
    case "search":
      return replySearch(intent.query, asked, situation);
    case "ask":
      return intent.question;
    default:
      return withoutTools(intent);
  }
}

function withoutTools(intent: Exclude<Intent, { kind: "remind" | "list" | "cancel" | "search" | "ask" }>): string {
  switch (intent.kind) {
    case "help":
      return sentences.help;
    case "hello":
      return sentences.hello;
    case "thanks":
      return sentences.thanks;
    case "silent-yes":
      return sentences.yes;
    case "command":
      return sentences.command;
    case "not-english":
      return sentences.notEnglish;
    case "unknown":
      return sentences.unknown;
    default:
      return intent satisfies never;
  }
}
