import { describe, expect, it } from "vitest";
import { ODIC, REGISTRATION, registration, SOCIAL, token } from "../../test/kiro-database-kit.ts";
import { decideWriteBack, lentRow } from "./decide-write-back.ts";

const now = Date.UTC(2026, 10, 22, 10, 30);

const decide = (lent: string, host: string | undefined, returned: string, key = ODIC) =>
  decideWriteBack({
    lent: [lentRow({ key, value: lent })],
    host: host === undefined ? [] : [{ key, value: host }],
    returned: [{ key, value: returned }],
    now,
  });

const reason = (returned: string, own = token(10)): string | undefined => decide(own, own, returned).refused[0]?.reason;

describe("a token that came back", () => {
  it("is taken over when it was refreshed", () => {
    expect(decide(token(10), token(10), token(11))).toEqual({
      changes: [{ key: ODIC, from: token(10), to: token(11) }],
      refused: [],
    });
  });

  it("is no change when it is the same", () => {
    expect(decide(token(10), token(10), token(10))).toEqual({ changes: [], refused: [] });
  });

  it("is taken over in the host's own words: order, and nothing twice", () => {
    const own = JSON.stringify({
      accessToken: "a".repeat(30),
      refreshToken: "r".repeat(30),
      expiresAt: "2026-11-22T10:00:00Z",
      provider: "google",
    });
    const back = `{"provider":"x","provider":"google","expiresAt":"2026-11-22T11:00:00Z","refreshToken":"${"s".repeat(30)}","accessToken":"${"b".repeat(30)}"}`;
    expect(decide(own, own, back).changes[0]?.to).toBe(
      JSON.stringify({
        accessToken: "b".repeat(30),
        refreshToken: "s".repeat(30),
        expiresAt: "2026-11-22T11:00:00Z",
        provider: "google",
      }),
    );
  });

  it("keeps a login without a refresh token one without", () => {
    const own = token(10, { refresh_token: null });
    expect(decide(own, own, token(11)).changes[0]?.to).toBe(token(11, { refresh_token: null }));
  });

  it("stays out when the person's own changed since, or is gone", () => {
    expect(decide(token(10), token(12), token(11)).refused[0]?.reason).toMatch(/changed meanwhile/);
    expect(decide(token(10), undefined, token(11)).refused[0]?.reason).toMatch(/changed meanwhile/);
  });

  it("stays out when it was never lent", () => {
    const returned = [{ key: SOCIAL, value: token(11) }];
    const facts = { lent: [lentRow({ key: ODIC, value: token(10) })], returned, now };
    for (const host of [[], [{ key: SOCIAL, value: token(10) }]]) {
      expect(decideWriteBack({ ...facts, host }).refused).toEqual([{ key: SOCIAL, reason: "it was not lent" }]);
    }
  });

  it("must be a token: a registered device never comes back", () => {
    const other = registration.replace("client-1", "client-2");
    expect(decide(registration, registration, other, REGISTRATION).refused[0]?.reason).toBe("it was not lent");
    expect(decide("x", "x", "y", "telemetry:token").refused[0]?.reason).toBe("it was not lent");
  });

  it.each([
    ["another start URL", token(11, { start_url: "https://evil.example" })],
    ["another region", token(11, { region: "us-west-2" })],
    ["other scopes", token(11, { scopes: ["codewhisperer:completions", "admin"] })],
    ["no scopes", token(11, { scopes: undefined })],
    ["one field more", token(11, { profile_arn: "arn:evil" })],
    ["a second name for its token", token(11, { accessToken: "b".repeat(40) })],
  ])("stays out with %s", (_, value) => {
    expect(reason(value)).toBe("it is of another account");
  });

  it.each([
    ["no JSON", "{"],
    ["null, as Kiro writes when it forgets one", "null"],
    ["a list", "[]"],
    ["text", '"x"'],
    ["no expiry", token(11, { expires_at: undefined })],
    ["an expiry that is a number", token(11, { expires_at: 99999999999999 })],
    ["an expiry in words", token(11, { expires_at: "next year" })],
    ["an expiry that does not exist", token(11, { expires_at: "2026-13-41T99:00:00Z" })],
    ["an empty token", token(11, { access_token: "" })],
  ])("stays out when it is %s", (_, value) => {
    expect(reason(value)).toBe("it is no token");
  });

  it.each([
    ["short", token(11, { access_token: "the" })],
    ["words, which would be taken out of every chat", token(11, { access_token: "see you tomorrow at the station" })],
    ["with escapes", token(11, { access_token: `${"a".repeat(40)}\u001b[0m` })],
    ["huge", token(11, { access_token: "a".repeat(20_000) })],
    ["without a refresh token", token(11, { refresh_token: null })],
    ["with a short refresh token", token(11, { refresh_token: "r" })],
  ])("stays out when it is %s", (_, value) => {
    expect(reason(value)).toMatch(/no token's form/);
  });

  it("stays out when it is deeper than a token can be, without exhausting the stack", () => {
    const deep = (value: string) => value.replace('"us-east-1"', `${"[".repeat(7000)}${"]".repeat(7000)}`);
    expect(reason(deep(token(11)))).toMatch(/no token's form/);
    expect(reason(deep(token(11)), deep(token(10)))).toMatch(/no token's form/);
  });

  it("stays out when it is larger than any token", () => {
    expect(reason(token(11, { region: "x".repeat(40_000) }))).toBe("it is too large");
  });

  it("stays out when it ends no later, or claims never to end", () => {
    expect(reason(token(10, { access_token: "b".repeat(40) }))).toMatch(/no later/);
    expect(reason(token(9))).toMatch(/no later/);
    expect(reason(token(11, { expires_at: "2099-01-01T00:00:00Z" }))).toMatch(/more than a week/);
  });

  it("is taken over even when it has ended since: its refresh token is the only good one", () => {
    const late = { lent: [lentRow({ key: ODIC, value: token(8) })], host: [{ key: ODIC, value: token(8) }], now };
    expect(decideWriteBack({ ...late, returned: [{ key: ODIC, value: token(9) }] }).changes).toHaveLength(1);
  });
});
