const abilities = [
  '• one-time reminders: "remind me in half an hour to stretch", "remind me to call mum tomorrow at 9"',
  '• repeated ones: "remind me every weekday at 8 to stand up", "… every 10 minutes to blink"',
  '• "what reminders do I have?", "cancel the second one", "cancel the stretch reminder"',
  '• "search for dentist" in what was said here',
].join("\n");

const realAgent = 'For real answers connect an agent such as Kiro: "npm run nanoclaw -- doctor" tells what is missing.';

const self = "I am the built-in offline assistant, without a language model";

export const sentences = {
  help: `${self}. This is what I understand:\n${abilities}\n${realAgent}`,
  hello: 'Hello! I can keep reminders for you. Say "help" to see how.',
  thanks: "You're welcome.",
  yes: "👍",
  command: `I do not run commands or programs. ${self}: I can set, list and cancel reminders and search old messages. ${realAgent}`,
  notEnglish: `Sorry, I understand only English. ${self}: I can set, list and cancel reminders and search old messages. ${realAgent}`,
  unknown: `I did not understand that. ${self}: I can set, list and cancel reminders and search old messages ("help" shows how). ${realAgent}`,
  tooLong: `That message is too long for me. ${self}. ${realAgent}`,
  foreignTask: (prompt: string): string =>
    `A scheduled task is due that I cannot do: “${prompt}”. ${self} and can only send reminders. ${realAgent}`,
  foreignPrompt: `I could not read what I was given. ${self}. ${realAgent}`,
} as const;
