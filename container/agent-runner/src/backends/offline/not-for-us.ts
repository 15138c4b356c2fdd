const programs =
  "rm|ls|cd|curl|wget|git|npm|npx|python3?|pip|bash|zsh|sudo|chmod|chown|docker|ssh|scp|mkdir|grep|apt|systemctl|reboot";
/** Names of programs that are English words too: they count with something like an option or a path. */
const words = "cat|echo|find|touch|kill|node|sh|cp|mv|ps|brew|shutdown|make|open|rm";

const asked = /^(?:run|execute|exec|eval)\b|^open a (?:shell|terminal)\b/i;
const shell = new RegExp(`^[$>#]?\\s*(?:(?:${programs})(?:\\s|$)|(?:${words})\\s+[-./~$])`, "i");
const quoted = /`[^`]+`/;

/** Somebody wants a program run. Which one does not matter: none is. */
export function isCommand(text: string): boolean {
  return asked.test(text) || quoted.test(text) || shell.test(text);
}

// Frequent words that English does not share; two of them make a sentence of that language.
const foreign = new Set(
  (
    "ich und nicht der das ist mich bitte heute morgen um uhr kannst erinnere wie geht danke hallo guten " +
    "je moi le les des une est pas vous demain rappelle rappelez s'il plait bonjour merci pour à " +
    "el los que por mañana recuérdame recuerdame hola gracias es una qué cómo estás favor las " +
    "il che per domani ricordami ciao grazie di sono alle del " +
    "lembre-me amanhã obrigado olá não você às para " +
    "ik niet het een morgen herinner mij alsjeblieft dank hoe gaat"
  ).split(" "),
);
const telling =
  /^(?:erinnere|rappelle|rappelle-moi|rappelez|recuérdame|recuerdame|ricordami|lembre-me|herinner|hola|bonjour|hallo|ciao|merci|gracias|danke)$/;

/** A guess, good enough to choose a more helpful sentence. */
export function isOtherLanguage(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? [];
  const latin = letters.filter((letter) => /\p{Script=Latin}/u.test(letter));
  if (letters.length >= 2 && latin.length < letters.length / 2) return true;
  const words = text.toLowerCase().match(/[\p{L}'-]+/gu) ?? [];
  return words.some((word) => telling.test(word)) || words.filter((word) => foreign.has(word)).length >= 2;
}
