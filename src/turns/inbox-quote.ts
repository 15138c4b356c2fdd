import { whatWasSaid } from "../domain/change-line.ts";
import type { InboundMessage, KnownQuote } from "../domain/message.ts";
import type { Store } from "../store/store.ts";

export interface LookedUp {
  quote: KnownQuote | null;
  /** The assistant said it, in this chat. */
  ours: boolean;
}

/** What was quoted, as the ledger has it; where it has nothing, the text is the sender's claim. */
export function lookUpQuote(store: Store, { chat, quote }: Pick<InboundMessage, "chat" | "quote">): LookedUp {
  if (!quote) return { quote: null, ours: false };
  const { id } = quote;
  const said = store.outbox.byMessageId(id);
  if (said?.chat === chat) return { quote: { id, text: said.text, claimed: false }, ours: true };
  const known = store.messages.find(chat, store.persons.canonical(quote.sender), id);
  const text = known && whatWasSaid(known);
  // A withdrawn one has no text any more.
  if (text) return { quote: { id, text, claimed: false }, ours: false };
  return { quote: { id, text: quote.text, claimed: true }, ours: false };
}
