import { describe, expect, test } from "vitest";
import { containerUser } from "./user.ts";

const root = { uid: 0, gid: 0 };
const person = { uid: 1000, gid: 100 };

describe("whom turns run as", () => {
  test.each([
    ["a plain user's host: that user", { host: person, home: person, kept: undefined, random: 0.5 }, person],
    ["and not the folder's owner", { host: person, home: { uid: 7, gid: 7 }, kept: 200_007, random: 0 }, person],
    ["a root host: the state folder's owner", { host: root, home: person, kept: 200_007, random: 0 }, person],
    ["root everywhere: a number that was kept", { host: root, home: root, kept: 200_007, random: 0 }, at(200_007)],
    ["or one nobody has, from the lowest", { host: root, home: root, kept: undefined, random: 0 }, at(200_000)],
    ["to the highest", { host: root, home: root, kept: undefined, random: 0.999999 }, at(299_999)],
  ])("%s", (_what, known, user) => {
    expect(containerUser(known)).toEqual(user);
  });
});

function at(uid: number) {
  return { uid, gid: uid };
}
