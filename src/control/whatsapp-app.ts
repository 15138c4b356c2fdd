import { Hono } from "hono";

export interface WhatsAppControl {
  release(): Promise<void>;
  groupNames(): readonly { jid: string; subject: string }[];
}

/** Mounted at `/control/whatsapp` when the host has that channel. */
export function createWhatsAppApp({ release, groupNames }: WhatsAppControl): Hono {
  const app = new Hono();
  /** Lets go of the link for some seconds, so that `auth` can change it while the host goes on. */
  app.post("/release", async (context) => {
    await release();
    return context.json({ released: true });
  });
  app.get("/groups", (context) => context.json(groupNames()));
  return app;
}
