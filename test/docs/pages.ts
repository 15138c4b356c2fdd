import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./clone.ts";

/** Every page that a person is sent to, by its path in the repository. */
export function pages(): { path: string; markdown: string }[] {
  const docs = readdirSync(join(repository, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => `docs/${name}`);
  return ["README.md", ...docs].map((path) => ({ path, markdown: readFileSync(join(repository, path), "utf8") }));
}
