import { readFileSync } from "node:fs";

export interface Versions {
  nanoclaw: string;
  node: string;
  baileys: string;
}

/** Of the program as it lies on the disk: ask at the start for those that run. */
export const versionsHere = (): Versions => ({
  nanoclaw: versionIn(new URL("../package.json", import.meta.url)),
  node: process.version,
  baileys: versionIn(new URL("../package.json", import.meta.resolve("baileys"))),
});

function versionIn(manifest: URL): string {
  try {
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : "unknown";
  } catch {
    return "unknown"; // a package that was laid out anew
  }
}
