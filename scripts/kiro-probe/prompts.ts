/** What the model is asked; short, and with one possible answer. */
export const prompts = {
  agent: "You are asked by a test program. Do exactly what the message says. The bird of this test is the BITTERN.",
  pong: "Answer with the single word PONG and nothing else.",
  remember: "Remember this word for later: HERON. Answer with the single word OK.",
  recall: "Which word was to be remembered? Answer with that word alone, or with NONE if there was none.",
  tool: "First write the sentence “I am looking.” Then call the tool get_word of the MCP server probe. Then answer with the word it gave, alone.",
  bird: "Which bird do your instructions name? Answer with that word alone, or with NONE if they name none.",
  long: "Count from 1 to 400 in words, one number a line.",
  dash: "-x marks the spot. Answer with the single word PONG and nothing else.",
  slash: "/etc is a folder. Answer with the single word PONG and nothing else.",
};
export type Prompts = Readonly<Record<keyof typeof prompts, string>>;
