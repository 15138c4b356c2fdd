import { rm } from "node:fs/promises";
import { join } from "node:path";
import { requestSchema, type Response } from "@nanoclaw/agent-runner/protocol";
import { newMessageId, type Folder } from "../domain/ids.ts";
import { OUTBOX_FILES } from "../store/outbox.ts";
import { folderOf, prepareCall, type ExecuteOptions, type FileCopy } from "./call.ts";
import { answerOr, executeRequest } from "./execute.ts";
import { openFolder } from "./open-folder.ts";
import { copyOutgoing } from "./outgoing-file.ts";
import { removeName } from "./read-request.ts";

export interface ServeOptions extends ExecuteOptions {
  home: { root: string; group(folder: Folder): { ipc: string } };
}

/**
 * A request, with the file that came with it. The file is copied to a place of the host's own before
 * anything is written down; what does not become a message leaves nothing behind. A throw means that
 * nothing was done and that it may be tried again.
 */
export async function serveRequest(
  options: ServeOptions,
  caller: Folder,
  id: string,
  content: unknown,
): Promise<Response> {
  if (requestSchema.safeParse(content).data?.tool !== "send_file") return executeRequest(options, caller, id, content);
  const folder = await openFolder(join(options.home.group(caller).ipc, "outgoing"));
  if (!folder) return { ok: false, error: "the folder for outgoing files is no folder" };
  await using outgoing = folder;
  const source = join(outgoing.path, id);
  const response = await sendCopied(options, caller, id, content, source);
  await removeName(source).catch(() => {}); // a folder by now: of the agent's own making
  return response;
}

async function sendCopied(
  options: ServeOptions,
  caller: Folder,
  id: string,
  content: unknown,
  source: string,
): Promise<Response> {
  // Executed before: the response is known, whatever became of the file.
  if (options.store.requests.response(caller, id)) return executeRequest(options, caller, id, content);
  const checked = answerOr(() => folderOf(prepareCall(options, caller, id, content).call));
  if (!checked.ok) return checked;
  const messageId = newMessageId();
  const path = join(OUTBOX_FILES, checked.result as Folder, messageId);
  const copied = await copyOutgoing(source, join(options.home.root, path));
  if ("problem" in copied) return { ok: false, error: `the file was not taken: ${copied.problem}` };
  return executeOrRemove(options, caller, id, content, { messageId, path, bytes: copied.bytes });
}

async function executeOrRemove(
  options: ServeOptions,
  caller: Folder,
  id: string,
  content: unknown,
  file: FileCopy,
): Promise<Response> {
  let isTaken = false;
  try {
    const response = executeRequest(options, caller, id, content, file);
    isTaken = options.store.outbox.byMessageId(file.messageId) !== undefined;
    return response;
  } finally {
    // Where even this fails, the next start finds a copy that belongs to no message.
    if (!isTaken) await rm(join(options.home.root, file.path), { force: true }).catch(() => {});
  }
}
