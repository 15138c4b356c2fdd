import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileCache, shareCompileCache } from "../system/compile-cache.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** What a person has who has just cloned and installed, on a machine where nothing else is. */
export interface Clone extends Disposable {
  /** The clone; its state lies there, too, unless a page says otherwise. */
  root: string;
  /** The person's home. */
  home: string;
  env: Record<string, string>;
}

const copied = ["bin", "container", "scripts", "docs", ".kiro", "package.json", "package-lock.json", "README.md"];
/** Read only: a copy of the sources would be compiled anew for each page. */
const linked = ["src", "node_modules", "tsconfig.json"];

export function makeClone(settings: Record<string, string> = {}): Clone {
  const place = mkdtempSync(join(tmpdir(), "nanoclaw-docs-"));
  const [root, home, programs] = [join(place, "nanoclaw"), join(place, "home"), join(place, "programs")];
  for (const folder of [root, home, programs]) mkdirSync(folder);
  for (const name of copied) {
    const from = join(repository, name);
    const filter = (path: string) => !path.endsWith("node_modules");
    if (existsSync(from)) cpSync(from, join(root, name), { recursive: true, filter, verbatimSymlinks: true });
  }
  for (const name of linked) symlinkSync(join(repository, name), join(root, name));
  shareCompileCache(root);
  chmodSync(join(root, "data"), 0o700); // as a host makes it
  writeFileSync(join(programs, "npm"), npm(root), { mode: 0o755 });
  const { PATH = "", DOCKER_HOST = "", NANOCLAW_DOCKER = "" } = process.env;
  if (NANOCLAW_DOCKER.startsWith("/")) symlinkSync(NANOCLAW_DOCKER, join(programs, "docker"));
  return {
    root,
    home,
    env: {
      ...{ PATH: `${programs}${delimiter}${PATH}`, HOME: home, USER: "ann", TZ: "UTC", LANG: "C.UTF-8" },
      // The gate's disks are small, and turns need no engine but on the pages that are about it.
      ...{ NODE_COMPILE_CACHE: compileCache, NANOCLAW_FREE_DISK: "1", NANOCLAW_AGENT_RUNTIME: "host" },
      ...(DOCKER_HOST === "" ? {} : { DOCKER_HOST }),
      ...settings,
    },
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/**
 * What npm does with the scripts of `package.json`, without npm's own half second; nothing else of npm
 * is run, least of all what changes `node_modules`.
 */
function npm(root: string): string {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const cases = Object.entries(scripts).map(([name, text]) => `  ${name}) exec ${text} "$@" ;;`);
  return `#!/bin/sh
case "$1" in
  start | test) script=$1; shift ;;
  run) script=$2; shift 2 ;;
  *) echo "npm $1 is not run here" >&2; exit 64 ;;
esac
case "$1" in
  --) shift ;;
  -*) echo "npm keeps $1 for itself: it must stand behind --" >&2; exit 64 ;;
esac
cd '${root}' || exit
PATH='${join(root, "node_modules", ".bin")}':$PATH
case "$script" in
${cases.filter((one) => !one.includes("&&")).join("\n")}
  *) echo "there is no script $script" >&2; exit 64 ;;
esac
`;
}
