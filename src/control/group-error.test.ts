import { expect, it } from "vitest";
import { noGroup } from "./group-error.ts";

it("a group that is not there is answered with those that are, and how one is added", () => {
  expect(noGroup("plans", ["main", "family"]).message).toBe(
    'There is no group "plans". There are: main, family. Add one with: nanoclaw groups add --name "Name" --folder plans',
  );
});

it("in a new home it says how the first one comes", () => {
  expect(noGroup("main", []).message).toBe(
    'There is no group "main". There is none yet; the first start makes main: npm start',
  );
});
