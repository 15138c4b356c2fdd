import { expect, test } from "vitest";
import { looksLikeNumber, parsePhoneNumber } from "./phone-number.ts";

test.each(["+49 152 0000-0001", "0049 (152) 00000001", "4915200000001", " +49.152/00000001 ", "(+49) 152 00000001"])(
  "%j is looked at as a number",
  (text) => expect(looksLikeNumber(text)).toBe(true),
);

test.each(["owner", "4915200000001@s.whatsapp.net", "local:main", "", "+", "120363000000000001@g.us"])(
  "%j is no number",
  (text) => expect(looksLikeNumber(text)).toBe(false),
);

test("is named as WhatsApp does, or refused with the reason", () => {
  expect(parsePhoneNumber("+49 152 0000-0001")).toEqual({ ok: true, value: "4915200000001" });
  const local = parsePhoneNumber("0152 00000001");
  expect(local.ok ? "" : local.problem).toContain("lacks the country code");
});
