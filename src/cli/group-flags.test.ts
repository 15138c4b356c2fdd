import { expect, it } from "vitest";
import { groupSettings } from "./group-flags.ts";

it.each([
  ["4GiB", 4 * 2 ** 30],
  ["512m", 512 * 2 ** 20],
  ["96 KB", 96 * 1024],
  ["1073741824", 2 ** 30],
])("a size may be written as in the settings: %s", (text, bytes) => {
  expect(groupSettings({ memory: text })).toEqual({ memory: bytes });
});

it.each(["", "much", "4 TiB", "-1", "1.5GiB"])("what is no size is named with its flag: %o", (text) => {
  expect(() => groupSettings({ fileSize: text })).toThrow(`--file-size ${text}: that is no size, e.g. 512MiB or 4GiB.`);
});

it("numbers stay numbers", () => {
  expect(groupSettings({ cpus: "0.5", timeout: "60000" })).toEqual({ cpus: 0.5, timeout: 60_000 });
  expect(() => groupSettings({ pids: "many" })).toThrow("--pids many: that is no number.");
});
