import { describe, expect, it } from "vitest";
import { image } from "../whatsapp-server/content.ts";
import { until } from "./until.ts";
import { openWhatsAppHome } from "./whatsapp-home.ts";

describe("a command behind a file that does not come", { timeout: 60_000 }, () => {
  it("does not wait for it, and what is said after it still does", async () => {
    await using site = await openWhatsAppHome();
    const { server } = site;
    const file = await server.media.put(Buffer.from("\xff\xd8\xff\xe0 a picture", "latin1"), "image");
    server.media.fail(file, "stalled");
    const picture = await server.send(server.phone, server.phone, image(file, "look"));
    await until(() => server.media.fetched.includes(file.directPath));
    const later = await server.send(server.phone, server.phone, "and then?");
    const asked = await server.send(server.phone, server.phone, "/status");
    expect((await site.texts(server.phone, 1))[0]).toContain("Nothing runs.");
    const known = () =>
      site.ledger("SELECT id FROM messages WHERE chat_jid = ? AND from_assistant = 0 ORDER BY seq", server.phone.pn);
    expect(known()).toEqual([{ id: asked.id }]);
    server.media.fail(file, undefined);
    // What was being fetched is begun anew.
    await site.stop();
    await site.start();
    await site.row(later.id);
    expect(known().map(({ id }) => id)).toEqual([asked.id, picture.id, later.id]);
    expect(site.said(server.phone).filter(({ text }) => text?.includes("runs since"))).toHaveLength(1);
  });
});
