import { describe, expect, it } from "vitest";
import { linuxPlaces, personsPlaces } from "./kiro-places.ts";

describe("the person's Kiro", () => {
  it("lies below ~/.local/share on Linux", () => {
    expect(personsPlaces({ platform: "linux", env: {}, home: "/home/ann" })).toEqual({
      home: "/home/ann",
      kiro: "/home/ann/.kiro",
      data: "/home/ann/.local/share/kiro-cli",
      database: "/home/ann/.local/share/kiro-cli/data.sqlite3",
      aws: "/home/ann/.aws",
    });
  });

  it("lies below ~/Library on macOS, whatever XDG says", () => {
    const places = personsPlaces({ platform: "darwin", env: { XDG_DATA_HOME: "/x" }, home: "/Users/ann" });
    expect(places.database).toBe("/Users/ann/Library/Application Support/kiro-cli/data.sqlite3");
    expect(places.kiro).toBe("/Users/ann/.kiro");
  });

  it("follows XDG_DATA_HOME and KIRO_HOME, each for its own things", () => {
    const env = { XDG_DATA_HOME: "/data", KIRO_HOME: "/kiro" };
    const { data, kiro, aws } = personsPlaces({ platform: "linux", env, home: "/home/ann" });
    expect([data, kiro, aws]).toEqual(["/data/kiro-cli", "/kiro", "/home/ann/.aws"]);
  });

  it("takes a relative path in the environment for none", () => {
    const env = { XDG_DATA_HOME: "data", KIRO_HOME: "" };
    expect(personsPlaces({ platform: "linux", env, home: "/home/ann" })).toEqual(linuxPlaces("/home/ann"));
  });
});
