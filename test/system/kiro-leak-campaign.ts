import { describe, expect, it } from "vitest";
import { addGroup, askKiro, logOf, restart, sessionOf, tellKiro } from "./kiro-site.ts";
import type { Site } from "./site.ts";

export interface LeakOptions {
  turns: number;
  /** A host with an API key, or with whatever else lets two groups work. */
  open(): Promise<LeakSite>;
  /** Of the second group. */
  settings?: Record<string, unknown>;
  /** False where every turn is a conversation of its own: then no word of others is all that can be asked for. */
  remembers?: boolean;
}

/** A site, and what has to go after it. */
export interface LeakSite extends AsyncDisposable {
  site: Site;
}

interface Group {
  folder: string;
  /** What was said in it so far. */
  words: string[];
}

/** Share of rounds in which both speak at once, and in which the host is restarted while they wait. */
const BOTH = 0.5;
const RESTART = 0.1;
const RECALL = 0.3;

/** Two groups say words of their own and ask for them, in random order, through restarts of the host. */
export function describeLeaks(title: string, { turns, open, settings = {}, remembers = true }: LeakOptions): void {
  describe(title, () => {
    it(`${turns} turns show every group all its own words and no other's`, { timeout: timeout(turns) }, async () => {
      await using opened = await open();
      const { site } = opened;
      await addGroup(site, "family", settings);
      const groups: Group[] = ["main", "family"].map((folder) => ({ folder, words: [] }));
      const count = { turns: 0, recalls: 0, words: 0, restarts: 0 };
      while (count.turns < turns) {
        const speaking = shuffled(groups).slice(0, Math.random() < BOTH ? 2 : 1);
        const rounds = await Promise.all(speaking.map((group) => begin(site, group)));
        if (Math.random() < RESTART) {
          await restart(site);
          count.restarts += 1;
        }
        for (const { group, seq, recalls } of rounds) {
          const answer = (await site.answered(seq)).join("\n");
          if (recalls) expectOwnWords(answer, group, remembers);
          count.turns += 1;
          count.recalls += Number(recalls);
        }
      }
      for (const group of groups) {
        expectOwnWords(await askKiro(site, "!!recall!!", group.folder), group, remembers);
        count.words += group.words.length;
      }
      if (remembers) expectOneConversationEach(site);
      process.stdout.write(
        `${title}: ${count.turns} turns, ${count.words} words, ${count.recalls + 2} times recalled, ${count.restarts} restarts; ${remembers ? "lost 0, " : ""}seen by the other group 0\n`,
      );
    });
  });
}

const timeout = (turns: number): number => 60_000 + turns * 10_000;

async function begin(site: Site, group: Group) {
  const recalls = group.words.length > 0 && Math.random() < RECALL;
  const word = `${group.folder}-word-${group.words.length}`;
  const seq = await tellKiro(site, recalls ? "!!recall!!" : `!!remember ${word}!!`, group.folder);
  if (!recalls) group.words.push(word);
  return { group, seq, recalls };
}

function expectOwnWords(answer: string, { folder, words }: Group, all: boolean): void {
  const seen = new Set(answer.match(/[a-z]+-word-\d+/g) ?? []);
  expect(
    [...seen].filter((word) => !word.startsWith(`${folder}-`)),
    `words of others in ${folder}`,
  ).toEqual([]);
  expect(all ? words.filter((word) => !seen.has(word)) : [], `words lost in ${folder}`).toEqual([]);
}

/** The words were remembered by Kiro itself, not told again from the ledger. */
function expectOneConversationEach(site: Site): void {
  expect(logOf(site)).not.toMatch(/new conversation is started|new one is started|continued from there/);
  expect(sessionOf(site, "family")).not.toBe(sessionOf(site, "main"));
}

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((value) => ({ value, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ value }) => value);
