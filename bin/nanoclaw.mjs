// Plain JavaScript that every Node can read: an old one is told so in one sentence.
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `NanoClaw needs Node 24.15 or newer; this is ${process.version}. Install a newer one from https://nodejs.org, or on Linux run npm ci without --omit=optional: it brings its own.`,
  );
  process.exit(1);
}
// Compiled modules are kept beside the state, where no other user can plant one; a home that was
// not made yet is not made here.
const data = join(process.env.NANOCLAW_HOME || root, "data");
if (existsSync(data)) module.enableCompileCache(join(data, "compile-cache"));
const { main } = await import("../src/cli/main.ts");
await main({ root });
