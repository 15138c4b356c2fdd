import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFolder } from "../domain/ids.ts";
import { findGroup, folderFor } from "./group-choice.ts";

const list = [
  { jid: "1@g.us", name: "Família", folder: null },
  { jid: "2@g.us", name: "Work", folder: null },
  { jid: "3@g.us", name: "work", folder: null },
  { jid: "4@g.us", name: "Trip", folder: null },
  { jid: "5@g.us", name: "Trip", folder: "trip" },
];
const jidOf = (wanted: string) => {
  const found = findGroup(list, wanted);
  return found.ok ? found.group.jid : found.problem;
};

describe("the group that is meant", () => {
  test("is found by id, by its name, and by its name in other letters when that is one group's alone", () => {
    expect(["2@g.us", "Work", "work", " famíLIA "].map(jidOf)).toEqual(["2@g.us", "2@g.us", "3@g.us", "1@g.us"]);
    expect(jidOf("Fami\u0301lia")).toBe("1@g.us");
  });

  test("is not guessed: two of one name are told with their ids, none with all names", () => {
    expect(jidOf("Trip")).toBe('2 groups are called "Trip"; name one by its id: 4@g.us, 5@g.us');
    expect(jidOf("WORK")).toContain("2@g.us, 3@g.us");
    expect(jidOf("Party")).toContain('there is no group "Party"; the account is in: "Família", "Work"');
  });
});

describe("a group's folder", () => {
  test("is its name in plain letters, and another one's when that is taken or reserved", () => {
    expect(
      ["Família & Freunde", "O'Brien's", "🎉", "Global", "..", "main"].map((name) => folderFor(name, ["main"])),
    ).toEqual(["familia-freunde", "o-brien-s", "group", "global-2", "group", "main-2"]);
    expect(folderFor("Work", ["work", "work-2"])).toBe("work-3");
  });

  test("can be used whatever the name is", () => {
    const names = fc.string({ unit: "grapheme", maxLength: 200 });
    fc.assert(
      fc.property(names, (name) => {
        const first = folderFor(name, []);
        expect(parseFolder(folderFor(name, [first])).ok && parseFolder(first).ok).toBe(true);
      }),
    );
  });
});
