import { describe, expect, it } from "vitest";
import { openWhatsAppHost } from "./whatsapp-host.ts";

describe("a message on WhatsApp", { timeout: 60_000 }, () => {
  it("to oneself reaches the main group and is answered there", async () => {
    await using site = await openWhatsAppHost();
    const { server } = site;
    await site.start();
    await site.online();
    await server.send(server.phone, server.phone, "search for walrus");
    const [answer = ""] = await site.texts(server.phone, 1);
    expect(answer).toMatch(/^Andy: .*walrus/s);
    expect(server.problems).toEqual([]);
  });
});
