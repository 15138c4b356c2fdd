import { isHostedPnUser, isPnUser, type SignalKeyStore, type SignalRepositoryWithLIDStore } from "baileys";

/** A contact's sessions, as libsignal stores them. */
interface SessionRecord {
  _sessions?: Record<string, { indexInfo: { used: number } }>;
}

type Repository = Pick<SignalRepositoryWithLIDStore, "jidToSignalProtocolAddress" | "lidMapping">;

/**
 * libsignal tries a message with one session of its sender after the other, and each trial moves that
 * session's ratchet before it fails. When an older session then opens the message, the newer ones are
 * stored as the trials left them, and nobody can read what is written with them. Opens a message
 * within a transaction and puts the sessions back that did not.
 */
export async function withoutFailedTrials<T>(
  repository: Repository,
  keys: SignalKeyStore,
  jid: string,
  open: () => Promise<T>,
): Promise<T> {
  const id = await sessionOf(repository, jid);
  const before = await readRecord(keys, id);
  const opened = await open();
  const after = await readRecord(keys, id);
  if (before && after) await keys.set({ session: { [id]: putBack(before, after) as unknown as Uint8Array } });
  return opened;
}

/** Under which name Baileys keeps it: a person's number gives way to the LID. */
async function sessionOf({ jidToSignalProtocolAddress, lidMapping }: Repository, jid: string): Promise<string> {
  const lid = isPnUser(jid) || isHostedPnUser(jid) ? await lidMapping.getLIDForPN(jid) : null;
  return jidToSignalProtocolAddress(lid ?? jid);
}

async function readRecord(keys: SignalKeyStore, id: string): Promise<SessionRecord | undefined> {
  const { [id]: record } = await keys.get("session", [id]);
  return record as unknown as SessionRecord | undefined;
}

/** Only the session that opened the message has a new time of use. */
function putBack(before: SessionRecord, after: SessionRecord): SessionRecord {
  const [old, sessions] = [before._sessions ?? {}, after._sessions ?? {}];
  const isTrial = (key: string) => old[key]?.indexInfo.used === sessions[key]?.indexInfo.used;
  // Used twice within a millisecond: which one it was cannot be told.
  if (Object.keys(sessions).every(isTrial)) return after;
  const kept = Object.keys(sessions).map((key) => [key, isTrial(key) ? old[key] : sessions[key]]);
  return { ...after, _sessions: Object.fromEntries(kept) as NonNullable<SessionRecord["_sessions"]> };
}
