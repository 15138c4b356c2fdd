import { expect, test } from "vitest";
import type { Capabilities } from "./capabilities.ts";
import { commandLine } from "./command-line.ts";
import { planResume, sessionMarker, type Resume } from "./resume.ts";

const all: Capabilities = {
  version: "2.29.0",
  flags: "--agent --model --no-interactive --output-format --resume --resume-id --trust-all-tools --wrap".split(" "),
  streamJson: true,
  engines: { v2: ["--v2"], classic: ["--classic"] },
};
const classic: Capabilities = { ...all, version: "2.10.0", streamJson: false };
const old: Capabilities = {
  version: "1.25.0",
  flags: all.flags.filter((flag) => !["--resume-id", "--output-format"].includes(flag)),
  streamJson: false,
  engines: { v2: null, classic: null },
};
const none: Resume = { kind: "none", why: null };
const line = (capabilities: Capabilities, resume: Resume = none, model: string | null = null): string =>
  commandLine(capabilities, { agent: "a b", model, resume }).join(" ");

test("every flag is given only to a kiro-cli that knows it", () => {
  const usual = "chat --no-interactive --trust-all-tools --wrap never --agent a b";
  expect(line(all, none, "m")).toBe(`${usual} --model m --v2 --output-format stream-json`);
  expect(line(all, { kind: "id", id: "x" })).toBe(`${usual} --resume-id x --v2 --output-format stream-json`);
  expect(line(classic, { kind: "newest", id: null })).toBe(`${usual} --resume --classic`);
  expect(line(old, { kind: "newest", id: null }, "m")).toBe(`${usual} --resume --model m`);
  expect(line({ ...old, flags: ["--non-interactive"] }, { kind: "newest", id: null }, "m")).toBe(
    "chat --non-interactive",
  );
});

test("the agent's name is one argument", () => {
  expect(commandLine(all, { agent: "a b", model: null, resume: none })).toContain("a b");
});

const id = "6a1f0c1e-5f0e-4b8e-9d57-0d9b5d1f7a01";
const plan = (session: string | null, capabilities: Capabilities, stored?: string[], sharedStore = false): string => {
  const resume = planResume({ session, capabilities, stored, sharedStore });
  return resume.kind === "none" ? `none${resume.why === null ? "" : "!"}` : `${resume.kind} ${resume.id}`;
};

test("an id resumes by id; without one there is nothing to resume", () => {
  expect(plan(null, all)).toBe("none");
  expect(plan(id, all)).toBe(`id ${id}`);
  expect(plan(id, all, [])).toBe(`id ${id}`);
  expect(plan(id, all, [], true)).toBe(`id ${id}`);
});

test("the marker means the newest, unless the store is shared", () => {
  expect(sessionMarker("main")).toBe("kiro:main");
  for (const capabilities of [all, classic, old]) {
    expect(plan("kiro:main", capabilities)).toBe("newest null");
    expect(plan("kiro:main", capabilities, [id])).toBe("newest null");
    expect(plan("kiro:main", capabilities, [])).toBe("none!");
    expect(plan("kiro:main", capabilities, undefined, true)).toBe("none!");
  }
});

test("what could be taken for a flag, or is no id at all, is not passed on", () => {
  for (const session of ["--classic", "-x", "a b", "", "a\n", "../x", "x".repeat(200)]) {
    expect(plan(session, all)).toBe("none!");
    expect(plan(session, old, [session])).toBe("none!");
  }
});

test("the classic engine is asked only for an id that its store holds, where the store can be read", () => {
  expect(plan(id, classic, [id])).toBe(`id ${id}`);
  expect(plan(id, classic, undefined)).toBe(`id ${id}`);
  expect(plan(id, classic, ["another"])).toBe("none!");
});

test("without resuming by id, the newest must be the very one", () => {
  expect(plan(id, old, [id, "another"])).toBe(`newest ${id}`);
  expect(plan(id, old, ["another", id])).toBe("none!");
  expect(plan(id, old, undefined)).toBe("none!");
  expect(plan(id, old, [id], true)).toBe("none!");
});

test("V2 before 2.21.1 did not resume by id", () => {
  expect(plan(id, { ...all, version: "2.19.2" }, [id])).toBe(`newest ${id}`);
  expect(plan(id, { ...all, version: "2.21.0" }, [])).toBe("none!");
  for (const version of ["2.21.1", "2.22.0", "3.0.0", "2.21.1-beta", null]) {
    expect(plan(id, { ...all, version }, [])).toBe(`id ${id}`);
  }
});
