import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decodeName, encodeName, placeOf } from "./entry-name.ts";
import { headerOf, parseAttributes, parseHeader, BLOCK_BYTES, type Entry } from "./tar-blocks.ts";

const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 300 })
  .filter((text) => text.isWellFormed() && !/[/\0]/.test(text) && text !== "." && text !== "..");

test("every name comes back as it was, through the archive's own blocks", () => {
  fc.assert(
    fc.property(name, fc.option(name), (file, target) => {
      const path = `home/groups/main/${file}`;
      const entry: Entry = {
        ...{ name: encodeName(path), type: target === null ? "file" : "link", size: 0 },
        ...{ mode: 0o640, uid: 1000, gid: 1000, mtime: 1_700_000_000 },
        ...(target === null ? {} : { target: `/${target}` }),
      };
      const found = readBack(headerOf(entry));
      expect(found).toEqual(entry);
      expect(decodeName(entry.name)).toBe(path);
      expect(placeOf(entry.name, false)).toEqual({ kind: "state", path: `groups/main/${file}` });
    }),
    { numRuns: 300 },
  );
});

function readBack(bytes: Buffer): Entry | undefined {
  const first = parseHeader(bytes.subarray(0, BLOCK_BYTES), undefined);
  if (first.kind === "entry") return first.entry;
  if (first.kind !== "attributes") return undefined;
  const attributes = parseAttributes(bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + first.size));
  const second = parseHeader(bytes.subarray(-BLOCK_BYTES), attributes);
  return second.kind === "entry" ? second.entry : undefined;
}

describe("names that are refused", () => {
  it.each([
    "/etc/passwd",
    "../x",
    "home/../x",
    "home/groups/../../x",
    "home/groups/main/..",
    "home/groups//x",
    "home/groups/a%00b",
    "home/groups/a%2Fb",
    "home/groups/a\nb",
    "home",
    "home/",
    "home/src/main.ts",
    "home/store/host.lock",
    "home/store/auth/host.lock",
    "home/store/auth/state.db-wal",
    "home/node_modules/x",
    "home/data/install-id",
    "home/ipc/main/requests/x",
    "home/.env/x",
    "outside/other",
    "elsewhere",
  ])("%s", (given) => {
    expect(placeOf(given, false).kind).toBe("refused");
  });

  it("links where only the host writes", () => {
    expect(placeOf("home/store/auth/creds.json", true).kind).toBe("refused");
    expect(placeOf("home/.env", true).kind).toBe("refused");
    expect(placeOf("home/data/outbox/main/x", true).kind).toBe("refused");
    expect(placeOf("home/groups/main/x", true).kind).toBe("state");
  });
});
