import type { proto } from "baileys";

/** Messages that only say how another one is meant. Baileys' own list knows half of them. */
const wrappers = [
  "deviceSentMessage",
  "ephemeralMessage",
  "viewOnceMessage",
  "viewOnceMessageV2",
  "viewOnceMessageV2Extension",
  "documentWithCaptionMessage",
  "editedMessage",
  "groupMentionedMessage",
  "botInvokeMessage",
  "botForwardedMessage",
  "botTaskMessage",
  "lottieStickerMessage",
  "commentMessage",
  "questionMessage",
  "questionReplyMessage",
  "pollCreationMessageV4",
  "pollCreationOptionImageMessage",
  "eventCoverImage",
  "associatedChildMessage",
  "limitSharingMessage",
  "statusMentionMessage",
  "statusAddYours",
  "groupStatusMentionMessage",
  "groupStatusMessage",
  "groupStatusMessageV2",
] as const satisfies readonly (keyof proto.IMessage)[];

/** Deeper than any client wraps. */
const DEEPEST = 10;

/** What was said, without its wrappers; empty when there is no end to them. */
export function unwrap(message: proto.IMessage | null | undefined): proto.IMessage {
  let content = message;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const inner = innerOf(content);
    if (!inner) return typeof content === "object" && content ? content : {};
    content = inner;
  }
  return {};
}

function innerOf(message: proto.IMessage | null | undefined): proto.IMessage | undefined {
  for (const wrapper of wrappers) {
    const inner = message?.[wrapper]?.message;
    if (typeof inner === "object" && inner) return inner;
  }
  return undefined;
}
