import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { askNumber } from "../../src/cli/auth-owner.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";
import type { AuthLine } from "./whatsapp-site.ts";

const ownNumber = { ASSISTANT_HAS_OWN_NUMBER: "true" };
const open = (linked: boolean) => openWhatsAppHost({ owner: { name: "Andy" }, settings: ownNumber, linked });
const ownerOf = (site: WhatsAppHost) => site.ask<{ proved: string | null }>("GET", "/control/owner");
type OwnerLine = AuthLine & { owner?: string };

describe("the owner of an account of the assistant's own", { timeout: 60_000 }, () => {
  it("is asked for after linking, and proved by a code that comes from there", async () => {
    await using site = await open(false);
    const { server } = site;
    const [olga, mallory] = [server.person({ name: "Olga" }), server.person({ name: "Mallory" })];
    await site.start();
    await using auth = site.auth(["--owner", `00${olga.number}`], ownNumber);
    await server.scanQr((await auth.line("qr")).qr ?? "");
    const { code = "", text, owner }: OwnerLine = await auth.line("owner-code");
    await auth.line("owner-waiting");
    expect(text).toContain(`send this from there to +${server.phone.number}`);
    expect(owner).toBe(olga.number);
    await server.send(mallory, server.phone, code);
    await server.until(() => server.waiting === 0);
    expect(await ownerOf(site)).toEqual({ proved: null, endedByWrongCodes: null });
    await server.send(olga, server.phone, ` ${code.toLowerCase()} `);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(await auth.line("owner")).toMatchObject({ owner: olga.number });
    expect(await site.texts(olga, 1)).toEqual([expect.stringContaining("You are Andy's owner now")]);
    await server.send(olga, server.phone, "search for walrus");
    expect((await site.texts(olga, 2))[1]).toContain("walrus");
    expect(server.received.filter(({ chat }) => chat === mallory)).toEqual([]);
  });

  it("is still proved when auth is left, or no host ran when it was asked", async () => {
    await using site = await open(true);
    const { server } = site;
    const olga = server.person({ name: "Olga" });
    await using without = site.auth([], ownNumber);
    expect(await without.end()).toMatchObject({ exit: 0 });
    expect(without.types()).toEqual(["checking", "kept", "owner-needed"]);
    await using offline = site.auth(["--owner", olga.number], ownNumber);
    expect(await offline.end()).toMatchObject({ exit: 0 });
    expect(offline.types()).toEqual(["checking", "kept", "owner-code", "owner-later"]);
    await site.start();
    await site.online();
    await using left = site.auth(["--owner", olga.number], ownNumber);
    await left.line("owner-waiting");
    left.command.child.kill("SIGINT");
    expect(await left.end()).toEqual({ exit: 0, error: "" });
    // A newer code ends the older one.
    await server.send(olga, server.phone, (await offline.line("owner-code")).code ?? "");
    await server.send(olga, server.phone, (await left.line("owner-code")).code ?? "");
    await site.texts(olga, 1);
    expect(await ownerOf(site)).toEqual({ proved: olga.number, endedByWrongCodes: null });
    await using again = site.auth([], ownNumber);
    expect(await again.end()).toMatchObject({ exit: 0 });
    expect(again.types()).toEqual(["kept"]);
  });

  it("cannot be the assistant itself, and is nobody's to name on a shared number", async () => {
    await using site = await open(true);
    await using itself = site.auth(["--owner", site.server.phone.number], ownNumber);
    expect(await itself.end()).toMatchObject({ exit: 1, error: expect.stringContaining("assistant's own number") });
    await using shared = site.auth(["--owner", "+4915200000001"]);
    expect(await shared.end()).toMatchObject({ exit: 2, error: expect.stringContaining("whoever holds the phone") });
    const named = { ...ownNumber, NANOCLAW_OWNER: "4915200000001" };
    await using twice = site.auth(["--owner", "+4915200000001"], named);
    expect(await twice.end()).toMatchObject({ exit: 2, error: expect.stringContaining("NANOCLAW_OWNER says already") });
    await using known = site.auth([], named);
    expect(await known.end()).toMatchObject({ exit: 0 });
    expect(known.types()).toEqual(["checking", "kept"]);
    await using bad = site.auth(["--owner", "0152 1"], ownNumber);
    expect(await bad.end()).toMatchObject({ exit: 2, error: expect.stringContaining("--owner 0152 1: it lacks") });
  });
});

describe("the question for the owner's number", () => {
  const ask = (typed: string) => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    stdin.end(typed);
    const answer = askNumber({
      ...{ stdin: stdin as never, stdout: stdout as never },
      interrupted: new AbortController().signal,
    });
    return answer.then((number) => ({ number, said: String(stdout.read()) }));
  };

  it("is asked again until the answer is a number", async () => {
    const { number, said } = await ask("0152 1\n+49 (152) 0000-0001\n");
    expect([number, said]).toEqual(["4915200000001", expect.stringContaining("it lacks the country code")]);
  });

  it.each(["\n", "", "0152 1\n"])("may be left open: %j", async (typed) => {
    expect((await ask(typed)).number).toBeUndefined();
  });
});
