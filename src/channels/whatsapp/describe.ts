import type { proto } from "baileys";
import { describeContact } from "./describe-contact.ts";
import { describeButtons, describeInteractive, describeList, describeTemplate } from "./describe-form.ts";
import { bracketed, count, finite, joined, line, list, words } from "./read-content-fields.ts";

type Parts = { [K in keyof proto.IMessage]-?: NonNullable<proto.IMessage[K]> };
type Tellers = { [K in keyof Parts]?: (part: Parts[K]) => string };

/** In words, as the person typed them, or in square brackets what stands for something else. */
export interface Described {
  text: string;
  context: proto.IContextInfo | undefined;
}

const caption = (part: { caption?: string | null }): string => words(part.caption);

/** The first one that a message has is what it says. */
const tellers: Tellers = {
  conversation: words,
  extendedTextMessage: ({ text }) => words(text),
  imageMessage: caption,
  videoMessage: caption,
  ptvMessage: caption,
  documentMessage: caption,
  audioMessage: () => "",
  stickerMessage: () => "",
  locationMessage: (part) =>
    joined([place(part.isLive === true ? "live location" : "location", part), words(part.comment)], "\n"),
  liveLocationMessage: (part) => joined([place("live location", part), words(part.caption)], "\n"),
  contactMessage: (part) => bracketed("contact", describeContact(part)),
  contactsArrayMessage: ({ contacts }) => bracketed("contacts", joined(list(contacts).map(describeContact), "; ")),
  pollCreationMessage: poll,
  pollCreationMessageV2: poll,
  pollCreationMessageV3: poll,
  pollCreationMessageV5: poll,
  pollResultSnapshotMessage: pollResult,
  pollResultSnapshotMessageV3: pollResult,
  eventMessage: event,
  groupInviteMessage: (part) =>
    joined([bracketed("invitation to the group", line(part.groupName)), caption(part)], "\n"),
  newsletterAdminInviteMessage: (part) =>
    joined([bracketed("invitation to the channel", line(part.newsletterName)), caption(part)], "\n"),
  stickerPackMessage: (part) => joined([bracketed("sticker pack", line(part.name)), caption(part)], "\n"),
  productMessage: ({ product, body }) =>
    joined([bracketed("product", line(product?.title), line(product?.description)), words(body)], "\n"),
  orderMessage: (part) => joined([bracketed("order", line(part.orderTitle)), words(part.message)], "\n"),
  scheduledCallCreationMessage: ({ title, scheduledTimestampMs }) =>
    bracketed("planned call", line(title), moment(count(scheduledTimestampMs))),
  listResponseMessage: ({ title, description, singleSelectReply }) =>
    joined([words(title), words(description)], "\n") || words(singleSelectReply?.selectedRowId),
  buttonsResponseMessage: (part) => words(part.selectedDisplayText) || words(part.selectedButtonId),
  templateButtonReplyMessage: (part) => words(part.selectedDisplayText) || words(part.selectedId),
  interactiveResponseMessage: (part) => words(part.body?.text) || words(part.nativeFlowResponseMessage?.name),
  listMessage: describeList,
  buttonsMessage: describeButtons,
  templateMessage: describeTemplate,
  interactiveMessage: describeInteractive,
  richResponseMessage: ({ submessages }) =>
    joined(
      list(submessages).map((part) => words(part?.messageText)),
      "\n",
    ),
  questionResponseMessage: ({ text }) => words(text),
  statusQuestionAnswerMessage: ({ text }) => words(text),
};

/** Undefined: it is of a kind that says nothing. Expects it without its wrappers. */
export function describe(content: proto.IMessage): Described | undefined {
  for (const [name, tell] of Object.entries(tellers) as [keyof Parts, (part: unknown) => string][]) {
    const part: unknown = content[name];
    if (part === null || part === undefined) continue;
    const { contextInfo } = part as { contextInfo?: unknown };
    const context = typeof contextInfo === "object" && contextInfo ? contextInfo : undefined;
    return { text: tell(part), context };
  }
  return undefined;
}

function place(kind: string, { name, address, ...part }: proto.Message.ILocationMessage): string {
  const degrees = [part.degreesLatitude, part.degreesLongitude].map((value) => finite(value));
  const shown = degrees.every((value) => value !== null)
    ? degrees.map((value) => String(Number(value.toFixed(6))))
    : [];
  return bracketed(kind, line(name), line(address), ...shown);
}

function poll({ name, options }: proto.Message.IPollCreationMessage): string {
  const choices = list(options).map((option, index) => `${index + 1}) ${line(option?.optionName)}`);
  return bracketed("poll", joined([line(name), ...choices], " "));
}

function pollResult({ name, pollVotes }: proto.Message.IPollResultSnapshotMessage): string {
  const votes = list(pollVotes).map((vote) => `${line(vote?.optionName)}: ${count(vote?.optionVoteCount) ?? "?"}`);
  return bracketed("result of a poll", line(name), ...votes);
}

function event(part: proto.Message.IEventMessage): string {
  const [start, end] = [part.startTime, part.endTime].map((value) => moment((count(value) ?? NaN) * 1_000));
  const where = joined([line(part.location?.name), line(part.location?.address)], ", ");
  const kind = part.isCanceled === true ? "cancelled event" : "event";
  return joined(
    [
      bracketed(kind, line(part.name), joined([start ?? "", end ?? ""], " to "), where, line(part.joinLink)),
      words(part.description),
    ],
    "\n",
  );
}

/** Epoch milliseconds. */
function moment(at: number | null): string {
  const date = new Date(at ?? NaN);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace(/:\d\d\.\d{3}Z$/, "Z");
}
