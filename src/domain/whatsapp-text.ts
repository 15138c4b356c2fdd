import { Lexer, type Token, type Tokens } from "marked";

/** Emphasis that is open already: WhatsApp has no bold in bold. */
type Open = ReadonlySet<Mark>;
type Mark = "*" | "_" | "~";

const NOTHING_OPEN: Open = new Set();
const RULE = "———";

/**
 * Markdown in the form that WhatsApp shows. Text without Markdown stays as it is, and so does what
 * stands in code. Never throws: what cannot be read as Markdown is sent as it was written.
 */
export function toWhatsAppText(markdown: string): string {
  try {
    return blocks(new Lexer({ gfm: true }).lex(markdown));
  } catch {
    return markdown; // thousands of levels deep, or a form that the lexer refuses
  }
}

function blocks(tokens: readonly Token[]): string {
  let text = "";
  for (const token of tokens) {
    const next = block(token as MarkedToken);
    const isOwnLine = token.type !== "checkbox" && token.type !== "space";
    const isInLine = text === "" || text.endsWith("\n") || tokens[0]?.type === "checkbox";
    text += (isInLine || !isOwnLine ? "" : "\n") + next;
  }
  return text;
}

type MarkedToken =
  | Tokens.Heading
  | Tokens.Paragraph
  | Tokens.Text
  | Tokens.Code
  | Tokens.List
  | Tokens.Table
  | Tokens.Blockquote
  | Tokens.Hr
  | Tokens.Space
  | Tokens.HTML
  | Tokens.Def;

function block(token: MarkedToken): string {
  const end = /\n*$/.exec(token.raw)?.[0] ?? "";
  switch (token.type) {
    case "heading":
      return heading(token) + end;
    case "paragraph":
    case "text":
      return (token.tokens ? inline(token.tokens) : token.raw.trimEnd()) + end;
    case "code":
      return code(token.raw, token.codeBlockStyle === "indented") + end;
    case "list":
      return token.items.map(listItem).join("").replace(/\n*$/, "") + end;
    case "table":
      return table(token) + end;
    case "blockquote":
      return quoted(blocks(token.tokens)) + end;
    case "hr":
      return RULE + end;
    default:
      return token.raw;
  }
}

function heading({ raw, tokens }: Tokens.Heading): string {
  // A line of dashes below a paragraph was meant as a rule more often than as a heading's.
  const isParagraph = !/^ {0,3}#/.test(raw) && /\n.*\n/.test(raw.trimEnd()) && /-\s*$/.test(raw);
  if (isParagraph) return `${inline(tokens)}\n${RULE}`;
  return wrapped("*", inline(tokens, new Set<Mark>(["*"])));
}

/** WhatsApp would show the name of the language as the first line of the code. */
function code(raw: string, isIndented: boolean): string {
  if (isIndented) return raw.replace(/\n*$/, "");
  const [first = "", ...lines] = raw.replace(/\n*$/, "").split("\n");
  const fence = /(`{3,}|~{3,})/.exec(first)?.[0] ?? "```";
  const last = lines.at(-1)?.trim() ?? "";
  const isClosed = last.startsWith(fence) && last.replaceAll(fence.charAt(0), "") === "";
  return ["```", ...(isClosed ? lines.slice(0, -1) : lines), "```"].join("\n");
}

function listItem({ raw, tokens }: Tokens.ListItem): string {
  const end = /\n*$/.exec(raw)?.[0] ?? "";
  const marker = `${/^\s*(\d{1,9}[.)])/.exec(raw)?.[1] ?? "-"} `;
  const [first = "", ...rest] = blocks(tokens).replace(/\n*$/, "").split("\n");
  const indent = " ".repeat(marker.length);
  return [marker + first, ...rest.map((line) => (line === "" ? "" : indent + line))].join("\n").trimEnd() + end;
}

/** Columns do not stay below each other in a proportional font: a line for each row has to do. */
function table({ header, rows }: Tokens.Table): string {
  const titles = header.map(({ tokens }) => wrapped("*", inline(tokens, new Set<Mark>(["*"]))));
  const lines = rows.map((row) => row.map(({ tokens }) => inline(tokens)));
  return [titles, ...lines]
    .filter((cells) => cells.some((cell) => cell !== ""))
    .map((cells) => cells.join(" | "))
    .join("\n");
}

const quoted = (text: string): string =>
  text
    .replace(/\n*$/, "")
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");

function inline(tokens: readonly Token[], open = NOTHING_OPEN): string {
  return tokens
    .map((token, at) => {
      const isInWord = endsInWord(tokens[at - 1]?.raw) || beginsInWord(tokens[at + 1]?.raw);
      return span(token as Span, open, isInWord);
    })
    .join("");
}

type Span =
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Link
  | Tokens.Image
  | Tokens.Escape
  | Tokens.Br
  | Tokens.Codespan
  | Tokens.Tag;

function span(token: Span, open: Open, isInWord: boolean): string {
  switch (token.type) {
    case "strong":
      return isInWord ? token.raw : emphasis("*", token.tokens, open);
    case "em":
      return isInWord ? token.raw : emphasis("_", token.tokens, open);
    case "del":
      return emphasis("~", token.tokens, open);
    case "link":
      return link(token, inline(token.tokens, open));
    case "image":
      return target(token.text, token.href);
    case "escape":
      return token.text;
    case "br":
      return "\n";
    default:
      return token.raw;
  }
}

function emphasis(mark: Mark, tokens: readonly Token[], open: Open): string {
  if (open.has(mark)) return inline(tokens, open);
  return wrapped(mark, inline(tokens, new Set([...open, mark])));
}

/** WhatsApp's marks hold within one line. */
const wrapped = (mark: Mark, text: string): string =>
  text
    .split("\n")
    .map((line) => {
      const words = line.trim();
      return words === "" ? line : line.replace(words, () => mark + words + mark);
    })
    .join("\n");

function link({ raw, href }: Tokens.Link, label: string): string {
  if (raw.startsWith("[")) return target(label, href);
  return raw.replace(/^<(.*)>$/, "$1"); // an address that stands for itself
}

function target(label: string, href: string): string {
  if (href === "" || href === `mailto:${label}`) return label;
  if (label === "" || label === href || /^https?:\/\//.exec(href)?.[0] + label === href) return href;
  return `${label} (${href})`;
}

// `2*3*4` is no emphasis, whatever Markdown says; WhatsApp would show none there either. Where words
// are not parted by blanks, letters say nothing.
const WORD = String.raw`(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])[\p{L}\p{N}]`;
const ENDS_IN_WORD = new RegExp(`${WORD}$`, "u");
const BEGINS_IN_WORD = new RegExp(`^${WORD}`, "u");
const endsInWord = (text = ""): boolean => ENDS_IN_WORD.test(text);
const beginsInWord = (text = ""): boolean => BEGINS_IN_WORD.test(text);
