import { basename } from "node:path";
import type { ToolArguments } from "@nanoclaw/agent-runner/protocol";
import { mimeOf, safeFileName } from "../domain/file-name.ts";
import { newMessageId } from "../domain/ids.ts";
import { piecesFor, visibleText } from "../domain/outgoing.ts";
import { folderOf, Refusal, type Call, type FileCopy } from "./call.ts";

/** A long text becomes several messages. */
export function sendMessage(call: Call, { text }: ToolArguments<"send_message">) {
  const { options, caller, chat } = call;
  const visible = visibleText(options.screen(text, caller));
  if (visible === "") throw new Refusal("there is nothing to send: the text has no visible part");
  const messages = piecesFor(chat, visible).map((piece) => ({ id: newMessageId(), text: piece }));
  messages.forEach((message, at) => options.store.outbox.add({ ...rowOf(call, at), ...textOf(message) }));
  const ids = messages.map(({ id }) => id);
  return { message_id: ids[0], message_ids: ids };
}

const textOf = ({ id, text }: { id: string; text: string }) => ({ messageId: id, text });

/** The file is copied already: what an agent changes from now on is not sent. */
export function sendFile(call: Call, args: ToolArguments<"send_file">, copy: FileCopy | undefined) {
  const { options, caller } = call;
  if (!copy) throw new Refusal("no file came with the request");
  const name = safeFileName(options.screen(args.name ?? basename(args.path), caller));
  options.store.outbox.add({
    ...rowOf(call, 0),
    messageId: copy.messageId,
    text: visibleText(options.screen(args.caption ?? "", caller)),
    file: { path: copy.path, name, mime: mimeOf(name), bytes: copy.bytes },
  });
  return { message_id: copy.messageId };
}

const rowOf = (call: Call, at: number) => ({
  chat: call.chat,
  folder: folderOf(call),
  source: "send_message" as const,
  turn: call.turn.id,
  task: call.turn.taskId,
  requestKey: `${call.caller}/${call.id}${at === 0 ? "" : `#${at + 1}`}`,
  now: call.now,
});
