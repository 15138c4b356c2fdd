import type { Subject } from "./intent.ts";

const prefix = "Send this reminder: ";

/** The prompt of the task behind a reminder; the later run knows nothing but this. */
export function reminderPrompt(subject: Subject, person: string | undefined): string {
  const name = person && subject.for === "me" ? `${person}: ` : "";
  return `${prefix}${name}${subject.text}`;
}

/** What a task's prompt reminds of; nothing when it is no reminder of ours. */
export function reminderText(prompt: string): string | undefined {
  return prompt.startsWith(prefix) ? prompt.slice(prefix.length).trim() : undefined;
}
