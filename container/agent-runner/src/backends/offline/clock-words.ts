import { type DateTime } from "luxon";
import { numberOf, numberPattern } from "./duration.ts";

/** Hours taken for vague parts of the day; every confirmation says which. */
export const partOfDayHours: Record<string, number> = { morning: 9, afternoon: 15, evening: 19, night: 21 };

/**
 * Rewrites ways of saying a time that the date parser does not know into ones that it does:
 * "half past eight" becomes "at 8:30", "8 in the evening" becomes "8 pm", "on the 5th" the next 5th.
 */
export function plainClockWords(text: string, reference: DateTime): string {
  return text
    .replace(/\b(?:on |at )?christmas( eve)?(?: day)?\b/gi, (_, eve) => (eve ? "on 24 December" : "on 25 December"))
    .replace(/\b(?:on |at )?new year'?s (eve|day)\b/gi, (_, day: string) =>
      /eve/i.test(day) ? "on 31 December" : "on 1 January",
    )
    .replace(new RegExp(`(?:\\bat\\s+)?\\bhalf past (${numberPattern})\\b`, "gi"), (_, hour: string) => clock(hour, 30))
    .replace(new RegExp(`(?:\\bat\\s+)?\\b(?:a )?quarter past (${numberPattern})\\b`, "gi"), (_, hour: string) =>
      clock(hour, 15),
    )
    .replace(new RegExp(`(?:\\bat\\s+)?\\b(?:a )?quarter to (${numberPattern})\\b`, "gi"), (_, hour: string) =>
      clock(String(numberOf(hour) - 1), 45),
    )
    .replace(
      /\b(\d{1,2}(?:[:.]\d\d)?)(?: o'?clock)? (?:in the (morning|afternoon|evening)|at (night))\b/gi,
      withMeridiem,
    )
    .replace(/\bat ([01]\d|2[0-3])([0-5]\d)\b/gi, "at $1:$2")
    .replace(/\b(\d{1,2})\.(\d{1,2})\.(?!\d)/g, "$1/$2")
    .replace(/\bat (\d{1,2})h(\d\d)?\b/gi, (_, hour: string, minute = "00") => `at ${hour}:${minute}`)
    .replace(
      /\b(?:on )?the (\d{1,2})(?:st|nd|rd|th)\b(?!\s+(?:of|day|[a-z]+day|one|reminder))/gi,
      (whole, day: string) => {
        const date = nextDayOfMonth(Number(day), reference);
        return date ? `on ${date.setLocale("en-GB").toFormat("d LLLL yyyy")}` : whole;
      },
    );
}

const clock = (hour: string, minute: number): string => `at ${numberOf(hour)}:${String(minute).padStart(2, "0")}`;

function withMeridiem(_whole: string, time: string, part?: string): string {
  return `${time} ${part?.toLowerCase() === "morning" ? "am" : "pm"}`;
}

function nextDayOfMonth(day: number, reference: DateTime): DateTime | undefined {
  const months = [0, 1, 2].map((ahead) => reference.startOf("month").plus({ months: ahead }));
  return months
    .map((month) => month.set({ day }))
    .find((date, index) => date.day === day && date.month === months[index]?.month && date >= reference.startOf("day"));
}
