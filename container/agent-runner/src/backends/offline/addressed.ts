import type { Message } from "./parse-prompt.ts";

/**
 * The messages that are meant for the assistant, without its name. In a group where it is called
 * by name the other messages are only what was said around it.
 */
export function addressed(messages: Message[], assistantName: string): Message[] {
  const name = assistantName.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const mention = new RegExp(`(?<![\\p{L}\\p{N}@])@${name}(?![\\p{L}\\p{N}])[\\s,:]*`, "iu");
  const salutation = new RegExp(`^(?:(?:hi|hello|hey)\\s+)?${name}\\s*(?:[,:!.]\\s*|$)`, "iu");
  const vocative = new RegExp(`(?<=\\S)[\\s,]+${name}(?=[.!?]*$)`, "iu");
  const named = messages.filter((message) => mention.test(message.text));
  return (named.length > 0 ? named : messages).map((message) => {
    const text = message.text.replace(mention, "").replace(salutation, "").replace(vocative, "").trim();
    return text === "" ? { ...message, text: "hello" } : { ...message, text };
  });
}
