import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { LedgerStatus } from "../control/status.ts";
import { humanInZone } from "../domain/zone.ts";
import { homePaths } from "../home.ts";
import { treeBytes } from "../runtime/tree-bytes.ts";
import type { Check } from "./check.ts";

const MiB = 2 ** 20;

/** Parts of a home that grow, from where they are worth a word, and what keeps them small. */
const parts = [
  { name: "messages", at: ["store/messages.db"], large: 512 * MiB, cure: "NANOCLAW_KEEP_MESSAGES=365d in .env" },
  { name: "files", at: ["data/inbox", "data/outbox"], large: 1024 * MiB, cure: "NANOCLAW_KEEP_MEDIA=90d in .env" },
  { name: "Kiro's homes", at: ["data/kiro"], large: 2048 * MiB, cure: "see what lies in data/kiro" },
  { name: "groups", at: ["groups"], large: 4096 * MiB, cure: "see what lies in groups/" },
  { name: "logs", at: ["logs"], large: 256 * MiB, cure: "see what lies in logs/" },
] as const;

/** What takes room in the home, and whether what is too old goes. */
export async function checkRetention(
  config: Config,
  retention: LedgerStatus["retention"] | undefined,
): Promise<Check[]> {
  const sizes: { name: string; bytes: number; large: number; cure: string }[] = [];
  for (const { name, at, large, cure } of parts) {
    const there = at.map((path) => join(config.home, path)).filter((path) => existsSync(path));
    const bytes = there.length === 0 ? 0 : await treeBytes(there, AbortSignal.timeout(LOOK_MS));
    if (bytes !== undefined) sizes.push({ name, bytes, large, cure });
  }
  const large = sizes.filter(({ bytes, large }) => bytes > large);
  const detail = sizes.map(({ name, bytes }) => `${name} ${inWords(bytes)}`).join(", ");
  const room: Check =
    large.length === 0
      ? { name: "room", state: "ok", detail }
      : { name: "room", state: "note", detail, cure: large.map(({ name, cure }) => `${name}: ${cure}`).join("; ") };
  return [room, ...copies(config), ...looked(config, retention)];
}

const LOOK_MS = 20_000;

const inWords = (bytes: number): string =>
  bytes < 1024 * MiB ? `${Math.ceil(bytes / MiB)} MiB` : `${(bytes / (1024 * MiB)).toFixed(1)} GiB`;

/** Copies from before a restore, or a move from another program: only their owner knows when they may go. */
function copies({ home }: Config): Check[] {
  const found = [home, homePaths(home).store, join(home, "groups"), join(home, "data")].flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /(^|-)before-(restore|nanoclaw)/.test(name))
      .map((name) => join(folder, name)),
  );
  if (found.length === 0) return [];
  const cure = `when nothing is missing: rm -r '${found.join("' '")}'`;
  return [{ name: "old copies", state: "note", detail: `kept until you delete them: ${found.join(", ")}`, cure }];
}

function looked({ zone }: Config, retention: LedgerStatus["retention"] | undefined): Check[] {
  if (!retention) return [];
  const { at, removed, problems } = retention;
  const name = "retention";
  const counts = Object.entries(removed).filter(([, count]) => count > 0);
  const took = counts.map(([what, count]) => `${what} ${count}`).join(", ") || "nothing was too old";
  const detail = `${humanInZone(at, zone)}: ${took}`;
  if (problems.length === 0) return [{ name, state: "ok", detail }];
  return [
    { name, state: "wrong", detail: problems.join("; "), cure: "cure what it names; the host tries again every day" },
  ];
}
