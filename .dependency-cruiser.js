// The arrows of the house: who may import whom. docs/architecture.md draws them.

const test = "\\.test\\.ts$";
const protocol = "^container/agent-runner/src/protocol/";
const ports = ["^src/channels/channel\\.ts$", "^src/runtime/runtime\\.ts$"];
// What host and docker runtimes have in common: reading frames and journal, watching over a run.
const supervision = "^src/runtime/(supervise|frame-reader|journal)\\.ts$";
/** They run from the root, with the root's tools. */
const runnerTests = ["^container/agent-runner/.*\\.test\\.ts$", "^container/agent-runner/test/"];
const ours = "^(src|container|test|bench|scripts|bin)/";

const commands = "^bin/nanoclaw\\.mjs$";
const runnerPrograms = "^container/agent-runner/src/((mcp/)?main|kiro-probe)\\.ts$";

/** A room and what its modules may import besides each other. */
const room = (name, path, ...allowed) => ({
  name: `room-${name}`,
  comment: `${name} may import only: ${["itself", ...allowed].join(", ")}.`,
  severity: "error",
  from: { path, pathNot: test },
  to: { path: ours, pathNot: [path, ...allowed] },
});

const domain = "^src/domain/";
const store = "^src/store/";
const withPorts = [domain, store, ...ports, protocol];

const rooms = [
  room("config", "^src/config\\.ts$", "^src/domain/(zone|phone-number|duration)\\.ts$"),
  room("clock", "^src/clock\\.ts$", domain),
  room("log", "^src/log\\.ts$", domain),
  room("home", "^src/home\\.ts$", domain, "^src/store/database\\.ts$", ...ports),
  room("domain", domain, protocol),
  room("store", store, domain, protocol),
  room("channels", "^src/channels/", domain, protocol),
  room("turns", "^src/turns/", ...withPorts, supervision),
  room("runtime", "^src/runtime/", domain, protocol),
  room("kiro", "^src/kiro/", domain, protocol),
  room("schedule", "^src/schedule/", ...withPorts),
  // An agent's requests about groups name people, and are refused, as the person's own are.
  room("ipc", "^src/ipc/", ...withPorts, "^src/control/(name-persons|group-error)\\.ts$"),
  // Only the runtime may start programs: what an agent left behind may need one to be deleted.
  room("control", "^src/control/", ...withPorts, "^src/runtime/remove-place\\.ts$"),
  // What agents may have made is opened as their requests are.
  room("retention", "^src/retention/", ...withPorts, "^src/home\\.ts$", "^src/ipc/open-folder\\.ts$"),
  room("console", "^src/console/", ...withPorts),
  // An agent may write in what is read, and put links in the way.
  room("backup", "^src/backup/", ...withPorts, "^src/home\\.ts$", "^src/ipc/open-folder\\.ts$"),
  // It prepares a home before anything of it is opened.
  room("moving-in", "^src/moving-in/", domain, store, "^src/(config|home)\\.ts$", "^src/runtime/run-program\\.ts$"),
  room("service", "^src/service/", "^src/config\\.ts$"),
  // The commands start a host, or talk to one as the local chat's other end; with none running they
  // ask the store what the host would have asked it.
  room(
    "cli",
    "^src/cli/",
    ...withPorts,
    "^src/control/",
    "^src/service/",
    "^src/backup/",
    "^src/channels/(local|whatsapp)/",
    "^src/(main|config|clock|containers|home|log|versions)\\.ts$",
    // `doctor` looks at the person's Kiro as a start would.
    "^src/(kiro-supply\\.ts$|kiro/|runtime/(run-program|extra-mounts|tree-bytes|docker/build-image)\\.ts$)",
    "^src/(setup|moving-in)/",
  ),
  // Setup does what the commands do, one after the other, and is one of them itself.
  room(
    "setup",
    "^src/setup/",
    ...withPorts,
    "^src/(cli|control|service|channels/local)/",
    "^src/(config|clock|containers|home|env-file)\\.ts$",
    "^src/runtime/(docker/build-image|run-in-terminal|extra-mounts)\\.ts$",
  ),
  room("agent-runner", "^container/agent-runner/"),
];

export default {
  forbidden: [
    ...rooms,
    {
      name: "host-uses-protocol-only",
      comment: "Host and runner meet in the protocol alone.",
      severity: "error",
      from: { path: "^(src|bin)/", pathNot: test },
      to: { path: "^container/", pathNot: protocol },
    },
    {
      name: "protocol-stands-alone",
      comment: "The protocol knows neither host nor runner.",
      severity: "error",
      from: { path: protocol, pathNot: test },
      to: { path: ours, pathNot: protocol },
    },
    {
      name: "main-is-the-top",
      comment: "Only the commands and whole-system tests start a host.",
      severity: "error",
      from: { path: "^src/", pathNot: [test, "^src/cli/"] },
      to: { path: "^src/main\\.ts$" },
    },
    {
      name: "no-tests-in-product",
      comment: "The product does not import tests, benchmarks or scripts.",
      severity: "error",
      from: { path: "^(src|bin|container)/", pathNot: [test, ...runnerTests] },
      to: { path: [test, "^(test|bench|scripts)/", ...runnerTests] },
    },
    {
      name: "domain-is-pure",
      comment: "Decisions take facts by argument: no disk, no network, no process, no timer.",
      severity: "error",
      from: { path: domain, pathNot: test },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(crypto|events|path|util)$" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "not-resolvable",
      severity: "error",
      comment: "It is not there, or package.json does not name it.",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "named-in-package-json",
      comment: "A package that works only because another one brought it along.",
      severity: "error",
      // One benchmark stands in for the runner and speaks MCP with the runner's packages.
      from: { pathNot: [...runnerTests, "^bench/tool-caller\\.ts$"] },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-dev-dependency-in-product",
      severity: "error",
      from: { path: "^(src|bin|container)/", pathNot: [test, ...runnerTests] },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm", "type-only"] },
    },
    {
      name: "no-dead-host-module",
      comment: "No way leads from a command to this module.",
      severity: "error",
      from: { path: commands },
      to: { path: "^src/", pathNot: test, reachable: false },
    },
    {
      name: "no-dead-runner-module",
      comment: "No way leads from the runner's programs, or the host, to this module.",
      severity: "error",
      from: { path: [commands, runnerPrograms] },
      to: { path: "^container/agent-runner/src/", pathNot: [test, runnerPrograms], reachable: false },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, pathNot: [test, "\\.config\\.[jt]s$", "^\\.dependency-cruiser\\.js$"] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
      extensions: [".ts", ".js", ".json"],
    },
    skipAnalysisNotInRules: true,
  },
};
