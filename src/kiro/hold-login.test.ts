import { describe, expect, it } from "vitest";
import { folderOf } from "../../test/ledger-kit.ts";
import { createLogins } from "./hold-login.ts";
import type { KiroMode } from "./kiro-mode.ts";
import { createLease } from "./lease.ts";
import type { Lent, SharedLogin } from "./shared-login.ts";

const [main, family, work] = ["main", "family", "work"].map(folderOf) as [
  ReturnType<typeof folderOf>,
  ReturnType<typeof folderOf>,
  ReturnType<typeof folderOf>,
];
const owner: KiroMode = { kind: "owner-login" };
const shared: KiroMode = { kind: "shared-login", writeBack: true };

function setup(lend: () => Promise<Lent> = () => Promise.resolve({ kind: "lent" })) {
  const calls: string[] = [];
  const login: SharedLogin = {
    lend: (group) => (calls.push(`lend ${group}`), lend()),
    takeBack: (group, { writeBack }) => (calls.push(`take back ${group} ${writeBack}`), Promise.resolve()),
    lentTo: () => [family, work],
  };
  return { calls, logins: createLogins({ lease: createLease(), shared: login }) };
}

const held = async (hold: ReturnType<ReturnType<typeof createLogins>["hold"]>) => {
  const result = await hold;
  if (result.kind !== "held") throw new Error(result.kind);
  return result.giveBack;
};

describe("a run that needs the login", () => {
  it("waits until the one before has given it back, main's own included", async () => {
    const { logins, calls } = setup();
    const first = await held(logins.hold(main, owner));
    const second = logins.hold(family, shared);
    const third = logins.hold(work, shared);
    await Promise.resolve();
    expect(calls).toEqual([]);
    await first();
    const giveBack = await held(second);
    expect(calls).toEqual(["take back main true", "lend family"]);
    await giveBack();
    await giveBack();
    expect(calls).toEqual(["take back main true", "lend family", "take back family true", "lend work"]);
    await (
      await held(third)
    )();
  });

  it("does not keep others waiting when there is nothing to lend", async () => {
    for (const lend of [
      () => Promise.resolve<Lent>({ kind: "logged-out" }),
      () => Promise.reject(new Error("the disk is full")),
    ]) {
      const { logins } = setup(lend);
      expect((await logins.hold(family, shared)).kind).not.toBe("held");
      expect((await logins.hold(main, owner)).kind).toBe("held");
    }
  });

  it("gives up waiting when it is stopped", async () => {
    const { logins } = setup();
    await logins.hold(main, owner);
    const stop = new AbortController();
    const waiting = logins.hold(family, shared, stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
  });

  it("needs none with a key, or in the shared home: all run side by side", async () => {
    const { logins, calls } = setup();
    for (const kind of ["api-key", "shared-home"] as const) {
      for (const group of [main, family]) await (await held(logins.hold(group, { kind })))();
    }
    expect(calls).toEqual([]);
  });
});

describe("a host that starts again", () => {
  it("takes back what nobody uses any more, and leaves to living runs what they have", async () => {
    const { logins, calls } = setup();
    const giveBack = logins.adopt(family, shared);
    await logins.recover(new Set([family]));
    expect(calls).toEqual(["take back work true"]);
    const next = logins.hold(main, owner);
    await giveBack();
    expect(calls).toEqual(["take back work true", "take back family true"]);
    expect((await next).kind).toBe("held");
  });

  it("keeps others away from a run whose group has lost the login in the meantime", async () => {
    const { logins, calls } = setup();
    const giveBack = logins.adopt(work, { kind: "api-key" });
    const next = logins.hold(main, owner);
    await giveBack();
    await next;
    expect(calls).toEqual(["take back work true"]);
  });

  it("takes nothing over from a group that has become open to everyone", async () => {
    const { logins, calls } = setup();
    await logins.adopt(family, { kind: "shared-login", writeBack: false })();
    expect(calls).toEqual(["take back family false"]);
  });
});
