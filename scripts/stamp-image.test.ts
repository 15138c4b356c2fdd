import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { imageSources, sourceHash, stampedDockerfile } from "./stamp-image-source.ts";

function container(files: Record<string, string> = {}) {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-stamp-"));
  const all = {
    Dockerfile: 'FROM base\nLABEL com.nanoclaw.protocol="1" com.nanoclaw.source="unstamped"\nWORKDIR /x\n',
    "entrypoint.sh": "exec node\n",
    "install-kiro.sh": "true\n",
    "agent-runner/package.json": "{}",
    "agent-runner/package-lock.json": "{}",
    "agent-runner/src/main.ts": "main();\n",
    "agent-runner/src/mcp/main.ts": "serve();\n",
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

const hashWith = (files?: Record<string, string>): string => {
  using at = container(files);
  return sourceHash(imageSources(at.root));
};

describe("the stamp of the image", () => {
  test.each([
    "entrypoint.sh",
    "install-kiro.sh",
    "agent-runner/package.json",
    "agent-runner/package-lock.json",
    "agent-runner/src/mcp/main.ts",
    "agent-runner/src/new.ts",
  ])("is another one when %s changes", (name) => {
    expect(hashWith({ [name]: "changed" })).not.toBe(hashWith());
  });

  test("is another one when the Dockerfile changes, but for the line that carries it", () => {
    const labels = 'LABEL com.nanoclaw.protocol="1" com.nanoclaw.source="0123"';
    expect(hashWith({ Dockerfile: `FROM base\n${labels}\nWORKDIR /x\n` })).toBe(hashWith());
    expect(hashWith({ Dockerfile: `FROM other\n${labels}\nWORKDIR /x\n` })).not.toBe(hashWith());
  });

  test("does not depend on tests, nor on what lies beside the sources", () => {
    expect(
      hashWith({ "agent-runner/src/main.test.ts": "x", "agent-runner/test/kit.ts": "x", "extra-ca.pem": "x" }),
    ).toBe(hashWith());
  });

  test("is written once: stamping what is stamped changes nothing", () => {
    using at = container();
    const stamped = stampedDockerfile(imageSources(at.root), 7);
    expect(stamped).toMatch(/^LABEL com\.nanoclaw\.protocol="7" com\.nanoclaw\.source="[0-9a-f]{16}"$/m);
    writeFileSync(join(at.root, "Dockerfile"), stamped);
    expect(stampedDockerfile(imageSources(at.root), 7)).toBe(stamped);
  });

  test("a Dockerfile without that line is refused", () => {
    using at = container({ Dockerfile: "FROM base\n" });
    expect(() => stampedDockerfile(imageSources(at.root), 1)).toThrow(/no line with LABEL/);
  });
});
