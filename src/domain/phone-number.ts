import type { Parsed } from "./ids.ts";

/** The form in which WhatsApp names accounts: country code first, digits only. The problem is half a sentence. */
export function parsePhoneNumber(text: string): Parsed<string> {
  const digits = text
    .trim()
    .replace(/^\+/, "")
    .replaceAll(/[\s().\-/]/g, "");
  const number = digits.replace(/^00/, "");
  if (/^[1-9]\d{6,14}$/.test(number)) return { ok: true, value: number };
  const problem = /^0\d+$/.test(number)
    ? "it lacks the country code (and the 0 in front of it goes)"
    : "it must be digits, country code first";
  return { ok: false, problem };
}

/** Written by a person as a number, well or badly. */
export const looksLikeNumber = (text: string): boolean => /^[\s+(]*\d[\d\s().\-/]*$/.test(text);
