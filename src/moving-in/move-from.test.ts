import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { FAMILY, isoAt, OWN, type ForkHome } from "../../test/fork-home/fork-home.ts";
import { forkHomes, moveOptions, takeOver } from "../../test/fork-home/move.ts";
import { tree } from "../../test/fork-home/tree.ts";
import { openStore } from "../store/store.ts";
import { openWhatsAppState, type WhatsAppState } from "../store/whatsapp-state.ts";
import { previewMove } from "./move-from.ts";

const homes = forkHomes();
afterEach(() => homes[Symbol.dispose]());

const empty = () => homes.keep(mkdtempSync(join(tmpdir(), "nanoclaw-home-")));

/** Two groups and two messages; a part of it lies in the journal, which nobody has open. */
function old(work: (home: ForkHome) => void = () => {}): string {
  using home = homes.make({ wal: true });
  home.group("main", { jid: OWN, requires_trigger: 0 });
  home.group("Our Family", { jid: FAMILY });
  home.message("m1", { content: "@Bob the walrus is called Bruno" });
  home.message("m2", { content: "@Bob and?" });
  home.state("last_agent_timestamp", JSON.stringify({ [FAMILY]: isoAt(1) }));
  work(home);
  const apart = empty();
  cpSync(home.root, apart, { recursive: true });
  rmSync(join(apart, "store", "messages.db-shm"), { force: true });
  return apart;
}

function withState(folder: string, work: (state: WhatsAppState) => void): void {
  const opened = openWhatsAppState(folder, "test");
  if (!("state" in opened)) throw new Error("it is held");
  using state = opened.state;
  work(state);
}

const store = (root: string) => readdirSync(join(root, "store"));

describe("a move from another folder", () => {
  it("copies everything and changes nothing there", async () => {
    const from = old((home) => {
      home.write("groups/unregistered/secret plan.md", "x");
      home.write("groups/global/shared.md", "for all");
      home.write(
        "store/auth/creds.json",
        JSON.stringify({ me: { id: "4915200000001:7@s.whatsapp.net" }, account: {} }),
      );
      home.write("store/auth/pre-key-1.json", "{}");
      home.write(".env", "ASSISTANT_NAME=Bob\n");
    });
    const before = tree(from);
    const root = empty();
    using taken = await takeOver(root, { from });
    expect(tree(from)).toEqual(before);
    expect(taken.summary).toBe(
      "2 groups, 2 messages, 0 tasks that will run or are paused, 1 message still to be answered",
    );
    const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
    expect(read("groups", "unregistered", "secret plan.md")).toBe("x");
    expect(read("groups", "global", "shared.md")).toBe("for all");
    expect(read("groups", "our-family", "notes.md")).toBe("notes of Our Family\n");
    expect(readdirSync(join(root, "store", "auth"))).toEqual(["creds.json", "pre-key-1.json"]);
    expect(read(".env")).toBe("ASSISTANT_NAME=Bob\n");
    expect([".env", "store/auth", "data"].map((path) => statSync(join(root, path)).mode & 0o077)).toEqual([0, 0, 0]);
    expect(taken.report).toContain("Never start the old system again");
    expect(store(root).filter((name) => name.includes("moving-in"))).toEqual([]);
  });

  it("into a home that was started but not used keeps what is set there", async () => {
    const from = old((home) => home.write(".env", "ASSISTANT_NAME=Bob\n"));
    const root = empty();
    const { home } = moveOptions(root);
    {
      using own = openStore(home.database);
      own.settings.set("agent-login", "seen");
      own.groups.add("main" as never, "Main", {}, 1);
    }
    writeFileSync(join(root, ".env"), "ASSISTANT_NAME=Carl\n");
    using taken = await takeOver(root, { from, env: { ASSISTANT_NAME: "Carl" } });
    expect(taken.store.settings.get("agent-login")).toBe("seen");
    expect(taken.store.groups.list().map(({ folder }) => folder)).toEqual(["main", "our-family"]);
    expect(taken.report).toContain(".env stays as it is here");
    expect(taken.summary).toContain("0 messages still to be answered"); // nobody calls it Bob here
  });

  it("takes the old link where a linking was only begun, and keeps one that is there", async () => {
    const creds = JSON.stringify({ me: { id: "4915200000001:7@s.whatsapp.net" }, account: {} });
    const from = old((home) => {
      home.write("store/auth/creds.json", creds);
      home.write("store/auth/pre-key-1.json", "{}");
    });
    const begun = empty();
    const { home } = moveOptions(begun);
    withState(home.auth, () => {});
    using _taken = await takeOver(begun, { from });
    expect(readdirSync(home.auth).sort()).toEqual(["creds.json", "pre-key-1.json"]);
    withState(home.auth, (state) => expect(state.current()?.account).toBe("4915200000001:7@s.whatsapp.net"));

    const linked = moveOptions(empty()).home;
    withState(linked.auth, (state) => {
      state.begin("{}").commit({ creds: { text: "{}", account: "4915200000009:1@s.whatsapp.net" } });
    });
    using taken = await takeOver(linked.root, { from });
    expect(taken.report).toContain("own WhatsApp link stays");
    expect(existsSync(join(linked.auth, "creds.json"))).toBe(false);
  });

  it("does not mix the memory of main with another folder of that name", async () => {
    const from = old((home) => {
      home.sql("ALTER TABLE registered_groups ADD COLUMN is_main INTEGER DEFAULT 0");
      home.sql("UPDATE registered_groups SET folder = 'whatsapp_main', is_main = 1 WHERE folder = 'main'");
      home.write("groups/whatsapp_main/notes.md", "main's own");
      home.write("groups/our-family/secret.md", "of a group that was removed");
    });
    const root = empty();
    using taken = await takeOver(root, { from });
    expect(readFileSync(join(root, "groups", "main", "notes.md"), "utf8")).toBe("main's own");
    const folders = readdirSync(join(root, "groups")).map((name) => name.replace(/-before.*/, "-before"));
    expect(folders.sort()).toEqual(["extra", "global", "main", "main-before", "our-family", "our-family-2"]);
    expect(readdirSync(join(root, "groups", "our-family-2")).sort()).toEqual(["logs", "notes.md"]);
    expect(taken.store.groups.chat(FAMILY as never)?.folder).toBe("our-family-2");
  });

  it("is refused where there is something to lose, and where an old system lies already", async () => {
    const from = old();
    const root = empty();
    const { home } = moveOptions(root);
    {
      using own = openStore(home.database);
      own.groups.add("plans" as never, "Plans", {}, 1);
    }
    await expect(takeOver(root, { from })).rejects.toThrow(
      /is in use: 0 messages, 0 tasks, 1 groups .* mv .*messages\.db/,
    );
    expect(store(root).filter((name) => /moving|before/.test(name))).toEqual([]);
    await expect(takeOver(old(), { from })).rejects.toThrow("holds an old system itself");
  });

  it("is refused when there is no old system, or none that can be read", async () => {
    const root = empty();
    const wrong = (from: string) => takeOver(root, { from });
    await expect(wrong(empty())).rejects.toThrow(/There is no old system in .*no store\/messages\.db/);
    const ours = empty();
    openStore(moveOptions(ours).home.database)[Symbol.dispose]();
    await expect(wrong(ours)).rejects.toThrow("is a home of this NanoClaw already");
    const damaged = old();
    rmSync(join(damaged, "store", "messages.db-wal"));
    writeFileSync(join(damaged, "store", "messages.db"), "a text that is longer than a header".repeat(99));
    await expect(wrong(damaged)).rejects.toThrow(/is damaged\. Recover .*\.recover/);
    expect(store(root).filter((name) => /moving|before|messages/.test(name))).toEqual([]);
  });

  it("is told beforehand without a trace of it", () => {
    const from = old((home) => home.write(".env", "ASSISTANT_NAME=Bob\n"));
    const before = tree(from);
    const root = empty();
    const options = moveOptions(root);
    const untouched = tree(root);
    const report = previewMove({ ...options, from });
    expect(report).toContain("# What moving in would do");
    expect(report).toContain("called by @Bob");
    expect(report).toContain("still to be answered: 1");
    expect([tree(from), tree(root)]).toEqual([before, untouched]);
    expect(existsSync(join(root, "store", "messages.db"))).toBe(false);
  });
});
