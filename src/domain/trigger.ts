/**
 * Does the text begin by calling the assistant? Case-insensitive in any script. A name is not
 * found inside a longer word (`@Andyman`), but scripts written without spaces need no boundary.
 */
export function startsWithTrigger(text: string, trigger: string): boolean {
  const wanted = fold(trigger);
  const given = fold(text.trimStart());
  if (wanted === "" || !given.startsWith(wanted)) return false;
  const rest = given.slice(wanted.length);
  if (rest === "" || !/^[\p{L}\p{N}\p{M}_]/u.test(rest)) return true;
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]$/u.test(
    wanted,
  );
}

/** Is this the trigger and nothing else but the punctuation after a name? */
export const isTrigger = (text: string, trigger: string): boolean =>
  fold(text.trim().replace(/[\s,:;.!]+$/u, "")) === fold(trigger.trim());

/** Twice, because lower-casing can leave a form that composes differently (ẞ, İ). */
const fold = (text: string): string => text.normalize("NFKC").toLowerCase().normalize("NFKC");
