/** Why a text cannot be Kiro's API key; undefined: it may be one. Only the service knows. Never quotes it. */
export function keyProblem(text: string): string | undefined {
  const key = text.trim();
  if (key === "") return "it is empty";
  if (/^(export\s+)?KIRO_API_KEY\s*=/.test(key)) return "paste the key alone, without KIRO_API_KEY=";
  if (/^["'`].*["'`]$/.test(key)) return "paste the key without quotes";
  if (/[\s\p{C}]/u.test(key)) return "a key has no spaces or line breaks in it";
  if (!/^[\x21-\x7e]+$/.test(key)) return "a key has only plain letters, digits and signs";
  if (key.length < 12) return "that is too short for a key";
  return undefined;
}

/** Keys that were seen begin so; others are taken, with a word. */
export const looksUnusual = (key: string): boolean => !key.startsWith("ksk_");
