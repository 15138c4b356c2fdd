import { describe, expect, it } from "vitest";
import { createLease } from "./lease.ts";

describe("the lease", () => {
  it("lets one in at a time, in the order of asking", async () => {
    const lease = createLease();
    const order: string[] = [];
    const first = await lease.acquire();
    const others = ["b", "c", "d"].map(async (name) => {
      using _ = await lease.acquire();
      order.push(`${name} in`);
      await Promise.resolve();
      order.push(`${name} out`);
    });
    expect(order).toEqual([]);
    first[Symbol.dispose]();
    await Promise.all(others);
    expect(order).toEqual(["b in", "b out", "c in", "c out", "d in", "d out"]);
  });

  it("is not given up twice by one holder", async () => {
    const lease = createLease();
    const first = await lease.acquire();
    const second = lease.acquire();
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await second;
    let isIn = false;
    void lease.acquire().then(() => (isIn = true));
    await Promise.resolve();
    expect(isIn).toBe(false);
  });

  it("passes over somebody who gave up waiting", async () => {
    const lease = createLease();
    const held = await lease.acquire();
    const leaving = new AbortController();
    const gone = lease.acquire(leaving.signal);
    const next = lease.acquire();
    leaving.abort(new Error("stopped"));
    await expect(gone).rejects.toThrow("stopped");
    held[Symbol.dispose]();
    await next;
  });

  it("does not begin for somebody who gave up before asking", async () => {
    const lease = createLease();
    await expect(lease.acquire(AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
    await lease.acquire();
  });

  it("is not lost when somebody gives up at the moment it is their turn", async () => {
    const lease = createLease();
    const held = await lease.acquire();
    const leaving = new AbortController();
    const turn = lease.acquire(leaving.signal);
    held[Symbol.dispose]();
    leaving.abort(new Error("too late"));
    (await turn)[Symbol.dispose]();
    await lease.acquire();
  });

  it("lets nobody in before all runs of an earlier host are over", async () => {
    const lease = createLease();
    const [one, two] = [lease.join(), lease.join()];
    let isIn = false;
    const next = lease.acquire().then(() => (isIn = true));
    one[Symbol.dispose]();
    await Promise.resolve();
    expect(isIn).toBe(false);
    two[Symbol.dispose]();
    await next;
  });
});
