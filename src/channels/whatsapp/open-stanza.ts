import {
  cleanMessage,
  decryptMessageNode,
  type BinaryNode,
  type SignalRepositoryWithLIDStore,
  type WAMessage,
} from "baileys";
import { baileysLog } from "./baileys-log.ts";
import type { OpenMessage } from "./link-store.ts";
import { silentLog } from "../../domain/log.ts";

/** Own ids as the link has them, with the device's part. */
export interface Me {
  id: string;
  lid: string;
}

/**
 * Baileys' own reading of a stanza whose ciphertexts were decrypted before.
 * @throws when the stanza is none that Baileys can read.
 */
export async function openStanza({ attrs, parts }: OpenMessage, me: Me): Promise<WAMessage> {
  const content = parts.map(({ type, plain }): BinaryNode => ({ tag: "enc", attrs: { v: "2", type }, content: plain }));
  const stanza: BinaryNode = { tag: "message", attrs: { ...attrs }, content };
  const { fullMessage, decrypt } = decryptMessageNode(stanza, me.id, me.lid, alreadyOpen, baileysLog(silentLog));
  await decrypt();
  cleanMessage(fullMessage, me.id, me.lid);
  return fullMessage;
}

const nothing = () => Promise.resolve();

/** Gives back what it is given: nothing is encrypted any more. */
const alreadyOpen = {
  decryptMessage: ({ ciphertext }: { ciphertext: Uint8Array }) => Promise.resolve(ciphertext),
  decryptGroupMessage: ({ msg }: { msg: Uint8Array }) => Promise.resolve(msg),
  processSenderKeyDistributionMessage: nothing,
  migrateSession: nothing,
  lidMapping: { getLIDForPN: () => Promise.resolve(null), storeLIDPNMappings: nothing },
} as unknown as SignalRepositoryWithLIDStore;
