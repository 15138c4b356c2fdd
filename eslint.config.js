import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import { builtinModules } from "node:module";
import tseslint from "typescript-eslint";
import { ownLines } from "./scripts/lint/own-lines.js";

/** What plain JavaScript may use of Node; in TypeScript the compiler knows. */
const nodeGlobals = [
  "Buffer",
  "URL",
  "clearInterval",
  "clearTimeout",
  "console",
  "process",
  "setInterval",
  "setTimeout",
];

const tests = ["**/*.test.ts", "test/**/*.ts", "container/agent-runner/test/**/*.ts"];
/** Programs that are started by a person or another program: environment and exit codes are theirs. */
const edges = [
  "bin/**",
  "src/cli/**/*.ts",
  "container/agent-runner/src/main.ts",
  "container/agent-runner/src/mcp/main.ts",
  "container/agent-runner/src/kiro-probe.ts",
  "bench/**/*.ts",
  "scripts/**/*.ts",
  "*.config.ts",
];

/** What only the edges may touch: everything else gets it by argument. */
const edgeOnly = [
  ...["env", "argv", "exit", "exitCode", "on", "once", "stdin", "stdout"].map((property) => ({
    object: "process",
    property,
    message: "Only the edges (src/cli, the runner's main) touch the process; pass it in.",
  })),
  { object: "Date", property: "now", message: "Time comes from a Clock argument (src/clock.ts is the real one)." },
];
const noModuleMocks = ["mock", "doMock", "unmock", "doUnmock", "hoisted"].map((property) => ({
  object: "vi",
  property,
  message: "No module mocks: make the dependency an argument.",
}));

const bareBuiltins = builtinModules
  .filter((name) => !name.startsWith("_") && !name.startsWith("node:"))
  .map((name) => ({ name, message: "Write it with the node: prefix." }));
const processes = { name: "node:child_process", message: "Only src/runtime starts processes." };
const sqlite = { name: "node:sqlite", message: "Only src/store talks to SQLite." };
const restrictedImports = (...paths) => ["error", { paths: [...bareBuiltins, ...paths] }];

const noDefaultExport = { selector: "ExportDefaultDeclaration", message: "Named exports only." };
const noModuleState = {
  selector: "Program > :matches(VariableDeclaration, ExportNamedDeclaration > VariableDeclaration)[kind!='const']",
  message: "No module-level mutable state: two hosts live in one process.",
};
const noHiddenClock = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: "Time comes from a Clock argument.",
};

export default defineConfig(
  { ignores: ["node_modules", "**/node_modules", "dist", "coverage"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, "readonly"])) },
  },
  {
    files: ["**/*.ts"],
    plugins: { nanoclaw: { rules: { "own-lines": ownLines } } },
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/require-await": "error",
      "@typescript-eslint/return-await": ["error", "in-try-catch"],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/unbound-method": "off", // parts are closures; nothing of ours uses `this`
      "nanoclaw/own-lines": ["error", 60],
      "max-depth": ["error", 4],
      complexity: ["error", 20],
      eqeqeq: "error",
      "no-console": "error",
      "prefer-const": "error",
      "no-restricted-properties": ["error", ...edgeOnly, ...noModuleMocks],
      "no-restricted-imports": restrictedImports(processes, sqlite),
      "no-restricted-syntax": ["error", noDefaultExport, noModuleState, noHiddenClock],
    },
  },
  {
    files: ["src/runtime/**/*.ts", "container/agent-runner/src/backends/kiro/child.ts"],
    rules: { "no-restricted-imports": restrictedImports(sqlite) },
  },
  {
    files: ["src/store/**/*.ts"],
    rules: { "no-restricted-imports": restrictedImports(processes), "@typescript-eslint/no-base-to-string": "off" },
  },
  {
    // The real clock, and two stamps for people's eyes that nothing is decided by.
    files: ["src/clock.ts", "src/store/database.ts", "src/store/home-lock.ts"],
    rules: {
      "no-restricted-properties": ["error", ...edgeOnly.filter(({ object }) => object === "process"), ...noModuleMocks],
    },
  },
  {
    files: edges,
    rules: {
      "no-restricted-properties": ["error", ...noModuleMocks],
      "no-restricted-syntax": ["error", noDefaultExport, noModuleState],
    },
  },
  { files: ["bench/**/*.ts", "scripts/**/*.ts"], rules: { "no-restricted-imports": restrictedImports() } },
  {
    files: tests,
    rules: {
      "nanoclaw/own-lines": "off",
      // Matchers are of type any.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "no-restricted-properties": ["error", ...noModuleMocks],
      "no-restricted-imports": restrictedImports(),
      "no-restricted-syntax": ["error", noDefaultExport],
    },
  },
  { files: ["*.config.ts", "*.config.js"], rules: { "no-restricted-syntax": "off" } },
);
