import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { MediaType } from "baileys";
import { afterAll, beforeAll, beforeEach, expect, test, afterEach } from "vitest";
import { type MediaFields, type MediaHost, startMediaHost } from "../../../test/whatsapp-server/media.ts";
import { download, type DownloadOptions } from "./download.ts";
import { removePartialMedia } from "./media-file.ts";
import type { Media } from "./read-content-media.ts";

const MIB = 2 ** 20;
let host: MediaHost;
let folder: string;

beforeAll(async () => {
  host = await startMediaHost();
  setDefaultCACertificates([...getCACertificates(), host.ca]);
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "download-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pdf = Buffer.from(`%PDF-1.7 ${"lorem ipsum ".repeat(50_000)}`);

function media({ fileLength, ...place }: MediaFields, changes: Partial<Media> = {}): Media {
  const about = { kind: "document", mediaType: "document", mime: "application/pdf", name: "Plan.pdf" } as const;
  return { ...about, bytes: fileLength, seconds: null, ...place, ...changes };
}

/** Trusts the loopback host alone, so that no test calls anybody else. */
const fetchIt = (file: Media, options: Partial<DownloadOptions> = {}) =>
  download(file, {
    ...{ folder, stem: "7", allowedHost: (name: string) => name === "127.0.0.1", signal: new AbortController().signal },
    ...options,
  });

test("a file of any size comes whole, under a safe name", async () => {
  for (const size of [0, 1, 15, 16, 17, 65_536, pdf.length, 3 * MIB]) {
    const bytes = Buffer.alloc(size, pdf);
    const got = await fetchIt(media(await host.put(bytes, "document")), { stem: String(size) });
    expect(got).toEqual({
      ...{ ok: true, file: `${size}-Plan.pdf`, bytes: size, looksLike: size > 4 ? "application/pdf" : null },
    });
    expect((await readFile(join(folder, `${size}-Plan.pdf`))).equals(bytes)).toBe(true);
  }
});

test("a file comes whole while memory is tidied up", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const tidying = setInterval(collect, 0);
  try {
    const fields = await host.put(Buffer.alloc(1_000, pdf), "document");
    for (let time = 0; time < 3; time += 1) expect(await fetchIt(media(fields))).toMatchObject({ ok: true });
  } finally {
    clearInterval(tidying);
  }
});

test.each<MediaType>(["image", "video", "ptv", "audio", "ptt", "sticker"])(
  "%s files open with their own keys",
  async (mediaType) => {
    const got = await fetchIt(media(await host.put(pdf, mediaType), { mediaType }));
    expect(got).toMatchObject({ ok: true, bytes: pdf.length });
  },
);

test("the agent's user may read it, a repeated download replaces it", async () => {
  const file = media(await host.put(pdf, "document"));
  await fetchIt(file);
  await fetchIt(file);
  expect(await readdir(folder)).toEqual(["7-Plan.pdf"]);
  expect((await stat(join(folder, "7-Plan.pdf"))).mode & 0o777).toBe(0o644);
});

test.each(["../../evil.sh", `${"x".repeat(10_000)}.sh`, ".hidden.sh", "/etc/cron.d/x.sh"])(
  "a name such as %.20s stays in the folder",
  async (name) => {
    const got = await fetchIt(media(await host.put(pdf, "document"), { name }));
    expect(got).toMatchObject({ ok: true, file: expect.stringMatching(/^7-[^/]{1,115}\.sh$/) });
    expect(await readdir(folder)).toEqual([got.ok && got.file]);
  },
);

test("a link in its place leads nowhere", async () => {
  const outside = join(folder, "outside");
  await writeFile(outside, "mine");
  await symlink(outside, join(folder, ".7.part"));
  await symlink(outside, join(folder, "7-Plan.pdf"));
  expect(await fetchIt(media(await host.put(pdf, "document")))).toMatchObject({ ok: true });
  expect(await readFile(outside, "utf8")).toBe("mine");
  expect((await readFile(join(folder, "7-Plan.pdf"))).equals(pdf)).toBe(true);
});

test("what is not what it says is seen", async () => {
  const zip = Buffer.concat([Buffer.from("PK\x03\x04"), pdf]);
  const fields = await host.put(zip, "image");
  expect(await fetchIt(media(fields, { mediaType: "image", mime: "image/jpeg", name: "" }))).toMatchObject({
    ...{ ok: true, file: "7.jpg", looksLike: "application/zip" },
  });
});

async function refused(file: Media, options: Partial<DownloadOptions> = {}) {
  const got = await fetchIt(file, options);
  expect(await readdir(folder)).toEqual([]);
  if (got.ok) throw new Error("it was taken");
  return { problem: got.problem, again: got.again };
}

test("each fault is named, leaves nothing, and is worth another try or not", async () => {
  const fields = await host.put(pdf, "document");
  const failing = (fault: "gone" | "cut" | "spoiled" | "stalled", options = {}) => {
    host.fail(fields, fault);
    return refused(media(fields), options);
  };
  expect(await failing("gone")).toEqual({ problem: "WhatsApp's servers do not have it any more", again: false });
  expect(await failing("cut")).toMatchObject({
    ...{ problem: expect.stringMatching(/^the download broke off/), again: true },
  });
  expect(await failing("spoiled")).toEqual({ problem: "it arrived damaged", again: false });
  expect(await failing("stalled", { idleMs: 300 })).toEqual({ problem: "nothing came for 0 seconds", again: true });
  expect(await failing("stalled", { wholeMs: 300 })).toEqual({ problem: "it took longer than 0 seconds", again: true });
  host.fail(fields, undefined);
  expect(await fetchIt(media(fields))).toMatchObject({ ok: true });
});

test("a file with other contents, another key, or of another kind than told is not taken", async () => {
  const fields = await host.put(pdf, "document");
  const damaged = { problem: "it arrived damaged", again: false };
  expect(await refused(media(fields, { fileSha256: Buffer.alloc(32) }))).toEqual(damaged);
  expect(await refused(media(fields, { mediaKey: Buffer.alloc(32) }))).toEqual(damaged);
  expect(await refused(media(fields, { mediaType: "image" }))).toEqual(damaged);
  expect(await fetchIt(media(fields, { fileSha256: null }))).toMatchObject({ ok: true });
});

test("an end that looks like the end of the file is known by the size", async () => {
  const fields = await host.put(pdf, "document");
  const half: typeof fetch = async (...call) =>
    new Response((await (await fetch(...call)).bytes()).subarray(0, 100_000), { status: 200 });
  expect(await refused(media(fields), { fetch: half })).toEqual({ problem: "the download broke off", again: true });
});

test("a claimed size over the limit is refused without a call", async () => {
  const fields = await host.putZeros(2 * 2 ** 30, "document");
  const before = host.fetched.length;
  expect(await refused(media(fields))).toEqual({ problem: "it has 2 GiB; the limit is 64 MiB", again: false });
  expect(host.fetched.length).toBe(before);
});

test("a server that tells a size over the limit is not listened to", async () => {
  const fields = await host.putZeros(2 * 2 ** 30, "document", 1_000);
  expect(await refused(media(fields))).toEqual({ problem: "it has 2 GiB; the limit is 64 MiB", again: false });
});

test("a flood is cut off at the limit, whatever was told", async () => {
  const fields = await host.putZeros(2 * 2 ** 30, "document", 1_000);
  let taken = 0;
  const silent: typeof fetch = async (...call) => {
    const { body } = await fetch(...call);
    const counted = body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          taken += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(counted ?? null);
  };
  expect(await refused(media(fields), { fetch: silent, limit: 8 * MIB })).toEqual({
    ...{ problem: "it has more than the limit of 8 MiB", again: false },
  });
  expect(taken).toBeLessThan(12 * MIB);
});

test("a file of exactly the limit is taken", async () => {
  const fields = await host.put(pdf, "document");
  expect(await fetchIt(media(fields), { limit: pdf.length })).toMatchObject({ ok: true });
  await rm(join(folder, "7-Plan.pdf"));
  expect(await refused(media(fields, { bytes: null }), { limit: pdf.length - 1 })).toMatchObject({ again: false });
});

test("nobody is called whom the message may not choose", async () => {
  const fields = await host.put(pdf, "document");
  const before = host.fetched.length;
  const nowhere = { problem: "it does not lie on WhatsApp's servers", again: false };
  const called: string[] = [];
  const noted: typeof fetch = (to) => {
    called.push(String(to instanceof Request ? to.url : to));
    return Promise.resolve(new Response(null, { status: 404 }));
  };
  const asShipped = async (place: Partial<Media>) => {
    const { signal } = new AbortController();
    return download(media(fields, place), { folder, stem: "7", signal, fetch: noted });
  };
  for (const url of [
    ...["http://mmg.whatsapp.net/x", "https://169.254.169.254/x", "https://localhost/x", "file:///etc/passwd"],
    ...["https://whatsapp.net.evil.example/x", "https://evilwhatsapp.net/x", "https://a@mmg.whatsapp.net/x", "x"],
  ]) {
    expect(await asShipped({ url, directPath: null })).toEqual({ ok: false, ...nowhere });
  }
  for (const directPath of ["@evil.example/x", ".evil.example/x", ":80/x", "x", "https://evil.example/x"]) {
    expect(await asShipped({ url: null, directPath })).toEqual({ ok: false, ...nowhere });
  }
  expect(called).toEqual([]);
  await asShipped({ directPath: "/v/1?oe=2" });
  await asShipped({ directPath: "//evil.example/x" });
  await asShipped({ url: "https://media-fra3-1.cdn.whatsapp.net/v/2", directPath: "/v/1" });
  await asShipped({ url: "https://web.whatsapp.net", directPath: "/v/1" });
  expect(called).toEqual([
    ...["https://mmg.whatsapp.net/v/1?oe=2", "https://mmg.whatsapp.net//evil.example/x"],
    ...["https://media-fra3-1.cdn.whatsapp.net/v/1", "https://mmg.whatsapp.net/v/1"],
  ]);
  expect(host.fetched.length).toBe(before);
});

test("a redirect is followed to an allowed host alone, and not for ever", async () => {
  const fields = await host.put(pdf, "document");
  const before = host.fetched.length;
  const redirecting =
    (location: string, times: number): typeof fetch =>
    (...call) => {
      times -= 1;
      return times >= 0 ? Promise.resolve(new Response(null, { status: 302, headers: { location } })) : fetch(...call);
    };
  expect(await fetchIt(media(fields), { fetch: redirecting(fields.directPath, 2) })).toMatchObject({ ok: true });
  await rm(join(folder, "7-Plan.pdf"));
  const elsewhere = `https://localhost:${host.host.split(":")[1]}${fields.directPath}`;
  for (const fetch of [redirecting(elsewhere, 1), redirecting(fields.directPath, Infinity)]) {
    expect(await refused(media(fields), { fetch })).toMatchObject({ again: false });
  }
  expect(host.fetched.length).toBe(before + 1);
});

test("a busy server is worth another try", async () => {
  const fields = await host.put(pdf, "document");
  const busy =
    (status: number): typeof fetch =>
    () =>
      Promise.resolve(new Response(null, { status }));
  for (const status of [429, 500, 503]) {
    expect(await refused(media(fields), { fetch: busy(status) })).toEqual({
      ...{ problem: `WhatsApp's servers refused it (HTTP ${status})`, again: true },
    });
  }
});

test("a server that hangs up, or cannot prove who it is, is worth another try", async () => {
  const broken = { problem: expect.stringMatching(/^the download broke off/), again: true };
  const rude = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(rude, "listening");
  const url = `https://127.0.0.1:${(rude.address() as AddressInfo).port}/x`;
  expect(await refused(media(await host.put(pdf, "document"), { url, directPath: null }))).toMatchObject(broken);
  rude.close();
  await using stranger = await startMediaHost();
  expect(await refused(media(await stranger.put(pdf, "document")))).toMatchObject(broken);
  expect(stranger.fetched).toEqual([]);
});

test("a stop ends it, before and while it runs", async () => {
  const fields = await host.put(pdf, "document");
  const stopped = { problem: "the download was stopped", again: true };
  expect(await refused(media(fields), { signal: AbortSignal.abort() })).toEqual(stopped);
  host.fail(fields, "stalled");
  const stop = new AbortController();
  const answered: typeof fetch = async (...call) => {
    const response = await fetch(...call);
    stop.abort();
    return response;
  };
  expect(await refused(media(fields), { signal: stop.signal, fetch: answered })).toEqual(stopped);
});

test("a folder that is none is a problem, not a crash", async () => {
  const fields = await host.put(pdf, "document");
  const blocked = join(folder, "file");
  await writeFile(blocked, "");
  expect(await fetchIt(media(fields), { folder: join(blocked, "below") })).toEqual({
    ...{ ok: false, problem: "it could not be written to the disk (ENOTDIR)", again: true },
  });
});

test("what a crash left is replaced by the next try, or taken away", async () => {
  await writeFile(join(folder, ".7.part"), "half");
  expect(await fetchIt(media(await host.put(pdf, "document")))).toMatchObject({ ok: true });
  await writeFile(join(folder, ".8.part"), "half");
  await removePartialMedia(folder);
  await removePartialMedia(join(folder, "missing"));
  expect(await readdir(folder)).toEqual(["7-Plan.pdf"]);
});
