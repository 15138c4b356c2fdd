import { describe, expect, it } from "vitest";
import { ODIC, REGISTRATION, registration, SOCIAL, token } from "../../test/kiro-database-kit.ts";
import { loginState, secretsOf, type LoginRead } from "./login-state.ts";

const read = (auth: Record<string, string>) => (): LoginRead => ({
  kind: "content",
  content: { auth: Object.entries(auth).map(([key, value]) => ({ key, value })), state: [] },
});

describe("whether the person is logged in", () => {
  it("is told by a token", () => {
    expect(loginState(read({ [ODIC]: token(10) }))).toEqual({
      kind: "logged-in",
      expiresAt: Date.UTC(2026, 10, 22, 10, 0, 0, 123),
    });
    for (const key of [SOCIAL, "kirocli:external-idp:token", "codewhisperer:odic:token"]) {
      expect(loginState(read({ [key]: token(10) })).kind).toBe("logged-in");
    }
  });

  it("counts the longest of several", () => {
    expect(loginState(read({ [ODIC]: token(10), [SOCIAL]: token(12) }))).toMatchObject({
      expiresAt: Date.UTC(2026, 10, 22, 12, 0, 0, 123),
    });
  });

  it("believes a token of a form that is not known", () => {
    expect(loginState(read({ [ODIC]: '{"v":2,"sealed":"x"}' }))).toEqual({ kind: "logged-in", expiresAt: null });
  });

  it("is not told by a registered device, a forgotten token, or something of another name", () => {
    for (const auth of [
      {},
      { [REGISTRATION]: registration },
      { [ODIC]: "null" },
      { [ODIC]: "{}" },
      { [ODIC]: "" },
      { "x:token": token(10) },
    ]) {
      expect(loginState(read(auth))).toEqual({ kind: "logged-out" });
    }
    expect(loginState(() => ({ kind: "missing" }))).toEqual({ kind: "logged-out" });
  });

  it("is not known when the file cannot be read", () => {
    expect(loginState(() => ({ kind: "refused", problem: "it is a link" }))).toEqual({
      kind: "unreadable",
      problem: "it is a link",
    });
  });
});

it("counts tokens and the device's secret among the secrets, and nothing else", () => {
  const rows = [
    { key: ODIC, value: token(10) },
    { key: REGISTRATION, value: registration },
    { key: "other", value: '{"access_token":"x"}' },
  ];
  expect(secretsOf(rows)).toEqual([
    `access-10-${"a".repeat(40)}`,
    `refresh-10-${"r".repeat(40)}`,
    `secret-${"s".repeat(40)}`,
  ]);
});
