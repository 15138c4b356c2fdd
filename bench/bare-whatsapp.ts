/**
 * What WhatsApp costs a program that keeps nothing: bare Baileys with its keys in memory, which answers
 * each message. `bare-whatsapp.ts <url>`; says one JSON object a line, times in ms of the wall clock.
 */
import { keepKeysOffConsole } from "../src/channels/whatsapp/quiet-console.ts";
import { createBareClient } from "../test/whatsapp-server/bare-client.ts";

keepKeysOffConsole(console);
const [url = ""] = process.argv.slice(2);
const say = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const client = createBareClient(url, { markOnlineOnConnect: false, syncFullHistory: false });

say({ qr: await client.qr() });
await client.ended();
client.connect();
await client.open();
say({ open: true });
for (let next = 0; ; next += 1) {
  await client.until(() => client.seen.length > next);
  const seen = client.seen[next];
  if (seen?.type !== "notify" || !seen.message.key.remoteJid) continue;
  const heard = Date.now();
  const sent = await client.socket.sendMessage(seen.message.key.remoteJid, { text: `you said ${seen.text ?? ""}` });
  const id = sent?.key.id ?? "";
  await client.until(() => client.acked.includes(id));
  say({ id: seen.id, heard, acknowledged: Date.now() - heard });
}
