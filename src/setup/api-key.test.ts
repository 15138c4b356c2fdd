import { expect, test } from "vitest";
import { keyProblem } from "./api-key.ts";

test("what may be a key is taken", () => {
  for (const key of ["ksk_0123456789abcdef", " ksk_0123456789abcdef\n", "another-form.of=key+1"]) {
    expect(keyProblem(key)).toBeUndefined();
  }
});

test.for([
  ["", "it is empty"],
  ["KIRO_API_KEY=ksk_0123456789abcdef", "paste the key alone, without KIRO_API_KEY="],
  ["export KIRO_API_KEY = x", "paste the key alone, without KIRO_API_KEY="],
  ['"ksk_0123456789abcdef"', "paste the key without quotes"],
  ["ksk_0123 456789abcdef", "a key has no spaces or line breaks in it"],
  ["ksk_0123\u200b456789abcdef", "a key has no spaces or line breaks in it"],
  ["ksk_0123456789äbcdef", "a key has only plain letters, digits and signs"],
  ["ksk_1", "that is too short for a key"],
])("%j is refused, with the reason", ([text, problem]) => {
  expect(keyProblem(text ?? "")).toBe(problem);
});
