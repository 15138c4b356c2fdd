import { describe, expect, test } from "vitest";
import { judgeProof, newOwnerClaim, spelledCode } from "./owner.ts";

describe("the proof of who the owner is", () => {
  const claim = { ...newOwnerClaim("4915200000001", 0), code: "ACDE3467" };
  const minutes = (count: number) => count * 60_000;

  test("a code is eight characters that nobody mistakes for another", () => {
    const codes = Array.from({ length: 200 }, () => newOwnerClaim("1", 0).code);
    for (const code of codes) expect(code).toMatch(/^[^0O1IL2Z5S8B]{8}$/);
    expect(new Set(codes).size).toBe(200);
    expect(spelledCode("ACDE3467")).toBe("ACDE-3467");
  });

  test.each(["ACDE3467", "acde-3467", " a c d e 3 4 6 7 ", "ACDE–3467\n"])("%j is the code", (text) => {
    expect(judgeProof(claim, text, minutes(30)).kind).toBe("proved");
    expect(judgeProof({ ...claim, proved: true }, text, minutes(99)).kind).toBe("proved-before");
  });

  test("talk is no attempt, and after half an hour nothing is", () => {
    expect(judgeProof(claim, "hello, are you there?", 1)).toEqual({ kind: "no-proof" });
    expect(judgeProof(claim, "ACDE3467", minutes(30) + 1)).toEqual({ kind: "no-proof" });
  });

  test("the fifth wrong code ends the claim", () => {
    let current = claim;
    for (const wrong of [1, 2, 3, 4]) {
      const ruling = judgeProof(current, "AAAA-AAAA", 1);
      expect(ruling).toEqual({ kind: "wrong", claim: { ...claim, wrong } });
      current = { ...claim, wrong };
    }
    expect(judgeProof(current, "AAAA-AAAA", 1)).toEqual({ kind: "wrong", claim: null });
  });
});
