import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const SINGLE = [
  "Dockerfile",
  "entrypoint.sh",
  "install-kiro.sh",
  "agent-runner/package.json",
  "agent-runner/package-lock.json",
];
const LABELS = /^LABEL com\.nanoclaw\..*$/m;

/** Names and contents below container/ of all that goes into the image. */
export function imageSources(container: string): Map<string, string> {
  const runner = readdirSync(join(container, "agent-runner", "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name).slice(container.length + 1));
  return new Map([...SINGLE, ...runner].map((name) => [name, readFileSync(join(container, name), "utf8")]));
}

/** One number for it all; the line that carries the number does not count. */
export function sourceHash(sources: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const name of [...sources.keys()].sort()) {
    const content = sources.get(name) ?? "";
    const counted = name === "Dockerfile" ? content.replace(LABELS, "") : content;
    hash.update(`${name}\0${Buffer.byteLength(counted)}\0${counted}`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The Dockerfile with the labels that belong to these sources. @throws when it has no such line. */
export function stampedDockerfile(sources: ReadonlyMap<string, string>, protocol: number): string {
  const dockerfile = sources.get("Dockerfile") ?? "";
  if (!LABELS.test(dockerfile)) throw new Error("container/Dockerfile has no line with LABEL com.nanoclaw.");
  const labels = `LABEL com.nanoclaw.protocol="${protocol}" com.nanoclaw.source="${sourceHash(sources)}"`;
  return dockerfile.replace(LABELS, labels);
}
