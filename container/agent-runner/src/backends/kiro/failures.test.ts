import { describe, expect, test } from "vitest";
import { createFailureFinder, exitCause, resetDate, type FailureFacts } from "./failures.ts";

const now = Date.UTC(2026, 10, 22, 18);
const facts: FailureFacts = { agent: "nanoclaw-main", model: "claude-x", hasApiKey: false, now };

function causeOf(lines: readonly string[], changes: Partial<FailureFacts> = {}) {
  const finder = createFailureFinder({ ...facts, ...changes });
  const fatal = lines.map((line) => finder.notice(line));
  return { cause: finder.cause(), fatal: fatal.includes(true) };
}

describe("what Kiro says went wrong", () => {
  test.each([
    ["Confirm the following code in the browser", "logged-out", true],
    ["Open this URL: https://example.com/device", "logged-out", false],
    ["▰▰▱▱▱▱▱ Opening browser... | Press (^) + C to cancel", "logged-out", true],
    ["Failed to open browser for authentication.", "logged-out", true],
    ["Please try again with: kiro-cli login --use-device-flow", "logged-out", false],
    ["error: You are not logged in, please log in with kiro-cli login", "logged-out", false],
    ["Not logged in", "logged-out", false],
    ["TokenExpiredError: the token has expired", "logged-out", false],
    ["Authentication failed. Your API key may be invalid or expired.", "logged-out", false],
    ["Monthly request limit reached", "limit-reached", false],
    ['{"__type":"ServiceQuotaExceededException","reason":"MONTHLY_REQUEST_COUNT"}', "limit-reached", false],
    ["Too many requests, please wait before trying again.", "limit-reached", false],
    ["Kiro rate limit reached: Request quota exceeded.", "limit-reached", false],
    ["The request was throttled by the service", "limit-reached", false],
    ["Kiro is having trouble responding right now: ", "crash", false],
    ["Error: no agent with name nanoclaw-main found. Falling back to user specified default", "agent-missing", true],
    ['[warn] agent "nanoclaw-main" not found, using "kiro_default"', "agent-missing", true],
    ["WARNING: Agent conflict for nanoclaw-main. Using workspace version.", "agent-missing", true],
    ["Json supplied at /home/node/.kiro/agents/nanoclaw-main.json is invalid: x", "agent-missing", false],
    ["agent nanoclaw-main needs upgrading for this agent engine", "agent-missing", false],
    ["Error: The model 'claude-x' is not available", "agent-missing", false],
    ["Model 'claude-x' does not exist. Available models: auto", "agent-missing", false],
    ["Agent connection closed unexpectedly", "crash", false],
    ["-32603 Internal error: invalid conversation history received", "crash", false],
    ["Failed to start session: session not found: 123", "crash", false],
    ["error: dispatch failure: dns error", "crash", false],
  ])("%s", (line, errorClass, isFatal) => {
    const { cause, fatal } = causeOf([line]);
    expect(cause?.class).toBe(errorClass);
    expect(fatal).toBe(isFatal);
  });

  test.each([
    "WARNING: Agent conflict for other. Using workspace version.",
    "WARNING: Agent conflict for nanoclaw-main-2. Using workspace version.",
    "Json supplied at /home/node/.kiro/settings/mcp.json is invalid",
    "✗ chat has failed to load after 0.03 s",
    "All tools are now trusted (!). Kiro will execute tools without asking for confirmation.",
    "WARNING: Failed to retrieve MCP settings; MCP functionality disabled",
  ])("is not meant by: %s", (line) => {
    expect(causeOf([line])).toEqual({ cause: undefined, fatal: false });
  });

  test("the cure fits the kind of login", () => {
    expect(causeOf(["Not logged in"]).cause?.error).toBe("Kiro is logged out. On the machine, run: kiro-cli login");
    expect(causeOf(["Not logged in"], { hasApiKey: true }).cause?.error).toContain("KIRO_API_KEY");
    const refused = causeOf(["Authentication failed. Your API key may be invalid or expired."], { hasApiKey: true });
    expect(refused.cause?.error).toMatch(/does not accept the API key.*KIRO_API_KEY into \.env/);
  });

  test("of several the surest counts, in whichever order they come", () => {
    const lines = ["Kiro is having trouble responding right now:", "   0: Too many requests", "   1: dispatch failure"];
    for (const order of [lines, lines.toReversed()]) {
      expect(causeOf(order).cause).toMatchObject({ class: "limit-reached", resetsAt: now + 60_000 });
    }
  });

  test("only words about the conversation put the blame on it", () => {
    expect(causeOf(["invalid conversation history received"]).cause?.blamesSession).toBe(true);
    expect(causeOf(["dispatch failure"]).cause?.blamesSession).toBe(false);
    expect(causeOf(["Kiro is having trouble responding right now"]).cause?.blamesSession).toBe(false);
  });

  test("the day of a limit's reset may come on a line of its own", () => {
    expect(causeOf(["Monthly request limit reached", "The limits reset on 12/01."]).cause).toMatchObject({
      class: "limit-reached",
      resetsAt: Date.UTC(2026, 11, 1),
      error: "Kiro's monthly request limit is reached; it resets on 2026-12-01.",
    });
    expect(resetDate("The limits reset on 11/01.", now)).toBe(Date.UTC(2027, 10, 1));
    expect(resetDate("The limits reset on 13/41.", now)).toBeUndefined();
    expect(causeOf(["Monthly request limit reached"]).cause).not.toHaveProperty("resetsAt");
  });

  test("in a line that may be the model's, only an error line counts", () => {
    const finder = createFailureFinder(facts);
    for (const line of [
      "The rate limit is 5 a second",
      "Say: You are not logged in",
      "I will tell: Monthly request limit",
    ]) {
      finder.perhapsWords(line);
    }
    expect(finder.cause()).toBeUndefined();
    finder.perhapsWords("Kiro is having trouble responding right now");
    expect(finder.cause()?.class).toBe("crash");
    finder.perhapsWords("error: Too many requests");
    expect(finder.cause()?.class).toBe("limit-reached");
  });

  test("a code says what no words said", () => {
    expect(exitCause(4, facts)).toMatchObject({
      class: "agent-missing",
      error: expect.stringContaining("nanoclaw-main"),
    });
    expect(exitCause(2, facts)).toMatchObject({ class: "crash" });
    expect(exitCause(1, facts)).toBeUndefined();
  });
});
