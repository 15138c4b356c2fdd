import { useMultiFileAuthState } from "baileys";
import { createBareClient } from "../whatsapp-server/bare-client.ts";
import type { WhatsAppServer } from "../whatsapp-server/whatsapp-server.ts";

/** A link as the old system keeps it: one file for each key. */
export async function makeOldLink(server: WhatsAppServer, folder: string): Promise<void> {
  const { state, saveCreds } = await useMultiFileAuthState(folder);
  using client = createBareClient(server.url, { auth: state });
  await server.scanQr(await client.qr());
  await client.ended();
  await saveCreds();
  client.connect();
  await client.open();
  await client.until(() => state.creds.accountSyncCounter > 0);
  await saveCreds();
}
