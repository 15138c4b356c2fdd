/** Shorter values stand in too many innocent words. */
const SHORTEST_SECRET = 8;

export interface Redaction {
  text: string;
  /** Names of the secrets that were in it, each once. */
  hits: string[];
}

/**
 * Takes known secret values out of texts, by value and in base64 (at any offset, both alphabets). A
 * mitigation, not a wall: an agent that wants to can write a value in a way that nobody recognises.
 */
export function createRedactor(secrets: Readonly<Record<string, string>>): (text: string) => Redaction {
  const known = knownForms(secrets);
  return (text) => known.remove(text);
}

export interface RedactingStream {
  /** What of the text so far may be shown; the beginning of a possible secret is kept back. */
  push(text: string): Redaction;
  /** The rest. */
  end(): Redaction;
}

/** The same for a text that comes in pieces: the pieces together are what the whole would have become. */
export function createRedactingStream(secrets: Readonly<Record<string, string>>): RedactingStream {
  const known = knownForms(secrets);
  let held = "";
  const give = (text: string, upTo: number): Redaction => {
    held = text.slice(upTo);
    return known.remove(text.slice(0, upTo));
  };
  return {
    push: (text) => give(held + text, known.safeEnd(held + text)),
    end: () => give(held, held.length),
  };
}

interface KnownForms {
  remove(text: string): Redaction;
  /** Up to where a text can be given away whatever follows it. */
  safeEnd(text: string): number;
}

function knownForms(secrets: Readonly<Record<string, string>>): KnownForms {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets)) {
    if (value.length < SHORTEST_SECRET) continue;
    for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name);
  }
  if (names.size === 0) return { remove: (text) => ({ text, hits: [] }), safeEnd: (text) => text.length };
  const forms = [...names.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join("|"), "g");
  return {
    remove(text) {
      const hits = new Set<string>();
      const clean = text.replace(pattern, (found) => {
        const name = names.get(found) ?? "secret";
        hits.add(name);
        return `[removed: ${name}]`;
      });
      return { text: clean, hits: [...hits] };
    },
    safeEnd: (text) => safeEnd(text, forms, pattern),
  };
}

function safeEnd(text: string, forms: readonly string[], pattern: RegExp): number {
  const longest = forms[0]?.length ?? 0;
  let end = text.length;
  for (let at = Math.max(0, text.length - longest + 1); at < text.length; at += 1) {
    const tail = text.slice(at);
    if (!forms.some((form) => form.length > tail.length && form.startsWith(tail))) continue;
    end = at;
    break;
  }
  // A whole secret may end with the beginning of another one: it is not cut in two.
  for (const found of text.matchAll(pattern)) {
    if (found.index < end && found.index + found[0].length > end) end = found.index;
  }
  return end;
}

function formsOf(value: string): Set<string> {
  const bytes = Buffer.from(value, "utf8");
  const forms = new Set([value]);
  const whole = bytes.toString("base64");
  for (const form of [whole, whole.replace(/=+$/, ""), ...[0, 1, 2].map((offset) => innerBase64(bytes, offset))]) {
    forms.add(form);
    forms.add(form.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}

/** The characters that stand for these bytes alone when they lie `offset` bytes behind a group's start. */
function innerBase64(bytes: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor((padded.length * 8) / 6);
  return padded.toString("base64").slice(first, last);
}
