import type { proto } from "baileys";
import { bracketed, joined, line, list, words } from "./read-content-fields.ts";

/** What businesses send: a text and something to choose from. */

export function describeList({ title, description, sections }: proto.Message.IListMessage): string {
  const rows = list(sections).flatMap((section) => list(section?.rows));
  return told(
    [title, description],
    rows.map((row) => line(row?.title)),
  );
}

export const describeButtons = ({ text, contentText, buttons }: proto.Message.IButtonsMessage): string =>
  told(
    [text, contentText],
    list(buttons).map((button) => line(button?.buttonText?.displayText)),
  );

export function describeInteractive({ header, body }: proto.Message.IInteractiveMessage): string {
  return told([header?.title, header?.subtitle, body?.text], []);
}

export function describeTemplate(part: proto.Message.ITemplateMessage): string {
  if (part.interactiveMessageTemplate) return describeInteractive(part.interactiveMessageTemplate);
  const form = part.hydratedTemplate ?? part.hydratedFourRowTemplate;
  const choices = list(form?.hydratedButtons).map((button) => {
    const { quickReplyButton, urlButton, callButton } = button ?? {};
    return line((quickReplyButton ?? urlButton ?? callButton)?.displayText);
  });
  return told([form?.hydratedTitleText, form?.hydratedContentText], choices);
}

function told(text: readonly unknown[], choices: readonly string[]): string {
  const shown = joined(choices, " | ");
  return joined([...text.map(words), shown === "" ? "" : bracketed("choices", shown)], "\n");
}
