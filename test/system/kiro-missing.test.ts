import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { jumpingClock } from "./clocks.ts";
import {
  askKiro,
  heldByKiro,
  newPerson,
  noticesIn,
  openKiroSite,
  restart,
  waitingIn,
  withKey,
  type Person,
} from "./kiro-site.ts";

const MINUTE = 60_000;
const programOf = ({ env }: Person): string => join(env["PATH"]?.split(":")[0] ?? "", "kiro-cli");

describe.concurrent("a machine where Kiro is the agent", { timeout: 60_000 }, () => {
  const spoils = [
    {
      what: "there is no kiro-cli",
      words: /There is no kiro-cli on this machine\..*cli\.kiro\.dev\/install/,
      spoil: rmSync,
    },
    {
      what: "kiro-cli does not run",
      words: /kiro-cli does not run/,
      spoil: (program: string) => {
        rmSync(program);
        writeFileSync(program, "#!/bin/sh\necho 'wrong architecture' >&2\nexit 126\n");
        chmodSync(program, 0o755);
      },
    },
  ];

  it.each(spoils)(
    "and $what: the chat is told, and the message is answered when it is there",
    async ({ words, spoil }) => {
      using person = newPerson();
      spoil(programOf(person));
      const clock = jumpingClock();
      await using site = await openKiroSite(person, { ...withKey, clock });
      const seq = await heldByKiro(site, "!!say here!!");
      expect(waitingIn(site)).toMatchObject([{ why: "agent-missing" }]);
      expect(noticesIn(site)).toEqual([expect.stringMatching(words)]);
      expect(noticesIn(site)[0]).toContain("Your message waits");
      person.install({});
      clock.jump(10 * MINUTE);
      expect((await site.answered(seq)).at(-1)).toBe("here");
    },
  );

  it("and nobody has logged in yet: the chat is told how to, and is answered after that", async () => {
    using person = newPerson();
    const clock = jumpingClock();
    await using site = await openKiroSite(person, { clock });
    const seq = await heldByKiro(site, "!!say here!!");
    expect(waitingIn(site)).toMatchObject([{ why: "logged-out" }]);
    expect(noticesIn(site)).toEqual([expect.stringMatching(/\brun: kiro-cli login\b.*KIRO_API_KEY/)]);
    await person.login();
    clock.jump(MINUTE);
    expect((await site.answered(seq)).at(-1)).toBe("here");
  });
});

describe.concurrent("a machine where no agent is set", { timeout: 60_000 }, () => {
  const nothingSet = { settings: { NANOCLAW_AGENT: "" } };

  it("has the offline agent for the local chat, though kiro-cli is installed; a group may name Kiro", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, nothingSet);
    expect(await askKiro(site, "help")).toContain("offline assistant");
    await site.ask("PATCH", "/control/groups/main", { settings: { agent: "kiro" } });
    await heldByKiro(site, "!!say here!!");
    expect(waitingIn(site)).toMatchObject([{ why: "logged-out" }]);
    await person.login();
    expect(await askKiro(site, "!!say here!!")).toContain("here");
  });

  it("has Kiro once a login was seen, also at a start while logged out", async () => {
    using person = newPerson();
    await person.login();
    await using site = await openKiroSite(person, nothingSet);
    expect(await askKiro(site, "!!say here!!")).toBe("here");
    await person.kiro("logout");
    await restart(site);
    await heldByKiro(site, "!!say here!!");
    expect(waitingIn(site)).toMatchObject([{ why: "logged-out" }]);
  });
});
