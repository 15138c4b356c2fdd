import { describe, expect, it } from "vitest";
import { kiroMode, type KiroModeFacts } from "./kiro-mode.ts";

const booleans = [false, true];

/** Every combination of facts there is. */
const everything: KiroModeFacts[] = booleans.flatMap((apiKey) =>
  booleans.flatMap((sharedHome) =>
    (["docker", "host"] as const).flatMap((runtime) =>
      booleans.flatMap((main) =>
        booleans.flatMap((shareLogin) =>
          booleans.flatMap((sendersTrusted) =>
            booleans.map((loginSeen) => ({ apiKey, sharedHome, runtime, main, shareLogin, sendersTrusted, loginSeen })),
          ),
        ),
      ),
    ),
  ),
);

/** The rules of the house, as a table: the first line that fits decides. */
const table: [string, (facts: KiroModeFacts) => boolean, string][] = [
  [
    "nothing to log in with",
    ({ apiKey, loginSeen }) => !apiKey && !loginSeen,
    "none: Kiro is logged out on this machine",
  ],
  ["the shared home, asked for by name", ({ sharedHome }) => sharedHome, "shared-home"],
  ["a key", ({ apiKey }) => apiKey, "api-key"],
  ["main with the person's login", ({ main }) => main, "owner-login"],
  [
    "others without containers",
    ({ runtime }) => runtime === "host",
    "none: without containers only the main group can use the login",
  ],
  ["others, not shared", ({ shareLogin }) => !shareLogin, "none: the login is not shared with this group"],
  ["others, shared, trusted", ({ sendersTrusted }) => sendersTrusted, "shared-login, written back"],
  ["others, shared, open to everyone", () => true, "shared-login"],
];

const summary = (facts: KiroModeFacts): string => {
  const mode = kiroMode(facts);
  if (mode.kind === "none") return `none: ${mode.why}`;
  return mode.kind === "shared-login" && mode.writeBack ? "shared-login, written back" : mode.kind;
};

describe("how a group gets its credentials", () => {
  it.each(everything)("holds for %j", (facts) => {
    expect(summary(facts)).toBe(table.find(([, fits]) => fits(facts))?.[2]);
  });

  it("reaches every line of the table", () => {
    const reached = new Set(everything.map((facts) => table.findIndex(([, fits]) => fits(facts))));
    expect(reached.size).toBe(table.length);
  });

  it("names a cure wherever there is none", () => {
    for (const mode of everything.map(kiroMode)) {
      if (mode.kind === "none") expect(mode.cure).toMatch(/KIRO_API_KEY/);
    }
  });
});
