import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fill, inDatabase, makeKiroDatabase, ODIC, temporary, token } from "../../test/kiro-database-kit.ts";
import { kiroFiles } from "../store/kiro-files.ts";
import { isLoginKey, isLoginState } from "./login-rows.ts";
import type { LoginRead } from "./login-state.ts";
import { createSecretKeeper } from "./secrets.ts";

const accessToken = (hour: number) => `access-${hour}-${"a".repeat(40)}`;

function setup(apiKey?: string) {
  const root = temporary();
  mkdirSync(join(root, "scratch"));
  const person = join(root, "data.sqlite3");
  const files = kiroFiles({ person, scratch: join(root, "scratch"), isLoginKey, isLoginState });
  const reads: string[] = [];
  const read = () => (reads.push("read"), files.readLogin());
  return { person, reads, keeper: createSecretKeeper({ apiKey, stamp: files.stamp, read }) };
}

describe("secrets", () => {
  it("are the API key, and the login as it is now", () => {
    const { person, keeper } = setup("ksk_0123456789abcdef");
    expect(keeper.redact("key ksk_0123456789abcdef").text).toBe("key [removed: KIRO_API_KEY]");
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    keeper.refresh();
    const { text, hits } = keeper.redact(`it is ${accessToken(10)}!`);
    expect(text).toMatch(/^it is \[removed: Kiro login \d+\]!$/);
    expect(hits).toHaveLength(1);
  });

  it("keep a token that was replaced: it is good for a while", () => {
    const { person, keeper } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    keeper.refresh();
    inDatabase(person, (database) => fill(database, { auth: { [ODIC]: token(11) } }));
    keeper.refresh();
    for (const hour of [10, 11]) expect(keeper.redact(accessToken(hour)).hits).toHaveLength(1);
    expect(Object.values(keeper.current())).toHaveLength(4);
  });

  it("are read again only when the file changed", () => {
    const { person, keeper, reads } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    for (let count = 0; count < 5; count += 1) keeper.refresh();
    expect(reads).toHaveLength(1);
  });

  it("are looked for again when the file could not be read", () => {
    const answers: LoginRead[] = [
      { kind: "refused", problem: "in use" },
      { kind: "content", content: { auth: [{ key: ODIC, value: token(10) }], state: [] } },
    ];
    const keeper = createSecretKeeper({
      apiKey: undefined,
      stamp: () => "same",
      read: () => answers.shift() ?? { kind: "missing" },
    });
    keeper.refresh();
    expect(keeper.redact(accessToken(10)).hits).toEqual([]);
    keeper.refresh();
    expect(keeper.redact(accessToken(10)).hits).toHaveLength(1);
  });

  it("stay known when the person logs out", () => {
    const { person, keeper } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    keeper.refresh();
    inDatabase(person, (database) => database.exec("DELETE FROM auth_kv"));
    keeper.refresh();
    expect(keeper.redact(accessToken(10)).hits).toHaveLength(1);
  });
});
