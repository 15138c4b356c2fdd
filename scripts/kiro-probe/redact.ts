import { createRedactor } from "@nanoclaw/agent-runner/protocol";

export interface Personal {
  secrets: readonly string[];
  home: string;
  /** The probe's own folder; its name is of no use to anybody. */
  temporary: string;
  user: string;
  host: string;
}

/** Where a word begins, colour codes before it included. */
const START = String.raw`(?<=^|[^A-Za-z0-9_]|(?:\x1b|\\u001b)\[[0-9;?]*[A-Za-z])`;
const FIELD =
  "[\\w-]*(?:token|secret|password|credential)|[\\w-]*api[_-]?key|authorization|client[_-]?id|start[_-]?url|" +
  "device[_-]?code|user[_-]?code|account[_-]?id|user[_-]?id|user[_-]?name|e-?mail";

const patterns: readonly [RegExp, string][] = [
  [/ksk_[\w-]+/g, "[removed: API key]"],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, "$1 [removed]"],
  [/eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, "[removed: token]"],
  [/ao[ar]A[\w+/=:.-]{16,}/g, "[removed: token]"],
  [/(?:AKIA|ASIA)[A-Z0-9]{12,}/g, "[removed: key]"],
  [new RegExp(String.raw`((?:${FIELD})"?\s*[:=]\s*")(?:\\.|[^"\\])*`, "gi"), "$1[removed]"],
  [new RegExp(String.raw`((?:${FIELD})(?:\\+")?\s*[:=]\s*\\+")(?:(?!\\+").)*`, "gi"), "$1[removed]"],
  [new RegExp(String.raw`((?:${FIELD})\s*[:=]\s*)(?!\[removed|\\*")[^\s,;}&"]+`, "gi"), "$1[removed]"],
  [/\b(code:?\s+)[A-Z0-9]{4}-[A-Z0-9]{4}\b/gi, "$1[removed]"],
  [/arn:aws[\w-]*:[^\s"',)\\]+/g, "[removed: ARN]"],
  [/https?:\/\/[\w.-]+\.awsapps\.com[^\s"')\\]*/g, "[removed: sign-in address]"],
  [/(\w+:\/\/)[^\s/@:"]+:[^\s/@"]+@/g, "$1[removed]@"],
  [/[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}\b/gi, "[removed: e-mail address]"],
];

/** Names that thousands of machines have; removing them would only make the report unreadable. */
const everybodys = new Set(["", "root", "node", "user", "admin", "ubuntu", "kiro", "localhost", "local"]);

/** Takes out of a report what is secret, or says whose machine it was made on. */
export function createReportRedactor(personal: Personal): (text: string) => string {
  const byValue = createRedactor(
    Object.fromEntries(personal.secrets.map((secret, at) => [`secret ${at + 1}`, secret])),
  );
  const own = ownWords(personal);
  return (text) =>
    [...patterns, ...own].reduce((clean, [found, instead]) => clean.replace(found, instead), byValue(text).text);
}

function ownWords({ home, temporary, user, host }: Personal): [RegExp, string][] {
  const path = (folder: string) => new RegExp(`${RegExp.escape(folder)}(?![\\w-])`, "g");
  const word = (name: string) => new RegExp(`${START}${RegExp.escape(name)}(?![A-Za-z0-9_])`, "gi");
  const names: [string, string][] = [
    [user, "<user>"],
    [host, "<host>"],
    [host.split(".")[0] ?? "", "<host>"],
  ];
  const folders: [string, string][] = [
    [temporary, "<temp>"],
    [home, "~"],
  ];
  return [
    ...folders.filter(([folder]) => folder.length > 1).map(([folder, instead]) => [path(folder), instead] as const),
    ...names.filter(([name]) => !everybodys.has(name.toLowerCase())).map(([name, to]) => [word(name), to] as const),
  ].map(([found, instead]) => [found, instead]);
}
