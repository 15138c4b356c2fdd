import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { document, image, voiceNote } from "../whatsapp-server/content.ts";
import type { Posted } from "../whatsapp-server/messages.ts";
import type { Group, Person } from "../whatsapp-server/people.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const jpeg = bytes("\xff\xd8\xff\xe0 a picture");

describe("a file that comes by WhatsApp", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let finn: Person;
  let group: Group;
  let media: WhatsAppHome["server"]["media"];

  beforeAll(async () => {
    site = await openWhatsAppHome();
    ({ media } = site.server);
    finn = site.server.person({ name: "Finn" });
    group = site.server.group({ subject: "Home", members: [finn, site.server.phone] });
    await site.register(group, "home", { senders: "everyone" });
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose](), 60_000);
  afterEach(() => expect(site.server.problems).toEqual([]));

  const say = (content: Parameters<typeof site.server.send>[2]) => site.server.send(finn, group, content);
  const attachment = async ({ id }: Posted) => {
    const [file] = JSON.parse(String((await site.row(id))["attachments"])) as [Record<string, unknown>];
    return file;
  };
  const contents = (path: unknown) => readFileSync(site.path("data", String(path).replace("inbox/", "inbox/home/")));
  const ask = async () => {
    const before = site.prompts("home").length;
    await say("@Andy look");
    const prompt = await site.prompt(before + 1, "home");
    await site.quiet();
    return prompt;
  };

  it("lies in the group's inbox, and the agent is told where, of what type and size", async () => {
    const video = await media.put(bytes("\0\0\0\x18ftypmp42 a film"), "video");
    const posted = [
      await say(image(await media.put(jpeg, "image"), "the garden")),
      await say(voiceNote(await media.put(bytes("OggS a voice"), "ptt"))),
      await say(document(await media.put(bytes("%PDF-1.7 plan"), "document"), "Plan für März.pdf")),
      await say({ videoMessage: { ...video, mimetype: "video/mp4" } }),
    ];
    const files = [];
    for (const one of posted) files.push(await attachment(one));
    expect(files.map((file) => [file["kind"], file["mime"], file["bytes"], file["problem"]])).toEqual([
      ["image", "image/jpeg", 14, null],
      ["voice", "audio/ogg; codecs=opus", 12, null],
      ["document", "application/pdf", 13, null],
      ["video", "video/mp4", 19, null],
    ]);
    expect(files.map(({ path }) => contents(path).toString("latin1"))).toEqual([
      jpeg.toString("latin1"),
      "OggS a voice",
      "%PDF-1.7 plan",
      "\0\0\0\x18ftypmp42 a film",
    ]);
    const prompt = await ask();
    // As a host process it finds them at the host's path.
    for (const { path } of files)
      expect(prompt).toContain(`path="${site.path("data", String(path).replace("inbox/", "inbox/home/"))}"`);
    expect(prompt).toContain('the garden<attachment kind="image"');
    expect(prompt).toContain('name="Plan für März.pdf"');
  });

  it("is called what it is, not what its sender says", async () => {
    const program = await say(image(await media.put(bytes("MZ\x90\0 a program"), "image")));
    const page = await say(document(await media.put(bytes("<html>hello"), "document"), "invoice.pdf"));
    const text = await say(document(await media.put(bytes("just words"), "document"), "invoice.pdf"));
    expect((await attachment(program))?.["mime"]).toBe("claims image/jpeg, looks like application/x-msdownload");
    expect((await attachment(page))?.["mime"]).toBe("claims application/pdf, looks like text/html");
    expect((await attachment(text))?.["mime"]).toBe("claims application/pdf, but is none");
  });

  it("stays in the inbox whatever its name is", async () => {
    const names = ["../../../store/messages.db", "/etc/passwd", "a\0b\n\u202Egpj.exe", "..", "CON", "x".repeat(5_000)];
    const files = [];
    for (const name of names)
      files.push(await attachment(await say(document(await media.put(jpeg, "document"), name))));
    for (const file of files) {
      expect(file).toMatchObject({ problem: null, bytes: 14 });
      expect(file["path"]).toMatch(/^inbox\/[^/\\\p{Cc}\p{Cf}]{1,130}$/u);
      expect(contents(file["path"])).toEqual(jpeg);
    }
    expect(new Set(files.map(({ path }) => path)).size).toBe(names.length);
    expect(readdirSync(site.path("data", "inbox"))).toEqual(expect.arrayContaining(["home"]));
    expect(existsSync(site.path("data", "inbox", "home", "CON"))).toBe(false);
  });

  it("of 2 GB is refused before it is fetched, and the agent is told", async () => {
    const huge = await media.putZeros(2 * 2 ** 30, "document");
    const lying = await media.putZeros(2 * 2 ** 30, "document", 1_000);
    const honest = await attachment(await say(document(huge, "backup.zip", "application/zip")));
    expect(honest).toMatchObject({ path: null, problem: "it has 2 GiB; the limit is 64 MiB" });
    expect(media.fetched).not.toContain(huge.directPath);
    // One that claims to be small is found out by what the server says.
    const small = await attachment(await say(document(lying, "note.txt", "text/plain")));
    expect(small).toMatchObject({ path: null, problem: "it has 2 GiB; the limit is 64 MiB" });
    expect(await ask()).toMatch(
      /<attachment kind="document" type="application\/zip" bytes="2147483648" name="backup\.zip" problem="it has 2 GiB/,
    );
    expect(readdirSync(site.path("data", "inbox", "home")).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("that cannot be had is named with the reason, and what comes after it is answered", async () => {
    const [gone, spoiled, keyed] = [
      await media.put(jpeg, "image"),
      await media.put(jpeg, "image"),
      await media.put(jpeg, "image"),
    ];
    media.fail(gone, "gone");
    media.fail(spoiled, "spoiled");
    const wrongKey = { ...keyed, mediaKey: Buffer.alloc(32, 1) };
    const elsewhere = { ...keyed, url: "https://192.168.0.1/router", directPath: "//192.168.0.1/router" };
    const problems = [];
    for (const file of [gone, spoiled, wrongKey, elsewhere])
      problems.push((await attachment(await say(image(file))))?.["problem"]);
    expect(problems).toEqual([
      "WhatsApp's servers do not have it any more",
      "it arrived damaged",
      "it arrived damaged",
      "it does not lie on WhatsApp's servers",
    ]);
    const prompt = await ask();
    for (const problem of ["do not have it any more", "it arrived damaged"]) expect(prompt).toContain(problem);
  });

  it("that is cut off is fetched again, and waits for nobody else's chat", async () => {
    const cut = await media.put(Buffer.alloc(200_000, 7), "document");
    media.fail(cut, "cut");
    const posted = await say(document(cut, "long.bin", "application/octet-stream"));
    await until(() => media.fetched.includes(cut.directPath));
    // Its own chat keeps its order; others go on.
    await site.server.send(site.server.phone, site.server.phone, "are you there?");
    expect(await site.prompt(1)).toContain("are you there?");
    media.fail(cut, undefined);
    expect(await attachment(posted)).toMatchObject({ problem: null, bytes: 200_000 });
    expect(media.fetched.filter((path) => path === cut.directPath)).toHaveLength(2);
  });

  it("that stands still is given up when the host stops, and fetched by the next one", async () => {
    const stalled = await media.put(jpeg, "image");
    media.fail(stalled, "stalled");
    const posted = await say(image(stalled, "slow"));
    await until(() => media.fetched.includes(stalled.directPath));
    await site.stop();
    expect(site.ledger("SELECT 1 FROM messages WHERE id = ?", posted.id)).toEqual([]);
    media.fail(stalled, undefined);
    await site.start();
    expect(await attachment(posted)).toMatchObject({ problem: null, bytes: 14 });
  });

  it("is not fetched from a chat that nobody registered", async () => {
    const [one, two] = [await media.put(jpeg, "image"), await media.put(jpeg, "image")];
    const others = site.server.group({ subject: "Others", members: [finn, site.server.phone] });
    await site.server.send(finn, site.server.phone, image(one, "psst"));
    await site.server.send(finn, others, image(two, "psst"));
    await until(() => site.ledger("SELECT 1 FROM chats WHERE jid IN (?, ?)", finn.pn, others.jid).length === 2);
    expect(media.fetched).not.toContain(one.directPath);
    expect(media.fetched).not.toContain(two.directPath);
  });
});
