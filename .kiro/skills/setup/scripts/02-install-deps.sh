#!/bin/sh
# Installs NanoClaw's packages as package-lock.json names them; what is there already is left alone, since a
# running host would lose them under its feet.
. "$(dirname -- "$0")/lib.sh"
begin INSTALL_DEPS
[ $# = 0 ] || unknown_option "$1"
[ -n "$node" ] || { key PACKAGES failed; finish failed "there is no Node; see 01-check-environment.sh"; }

# npm leaves a copy of what it installed; packages for other machines are not in it.
is_installed() {
  "$node" -e '
    const { existsSync, readFileSync } = require("node:fs");
    const read = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
    const [wanted, there] = [read("package-lock.json"), read("node_modules/.package-lock.json")];
    const isThere = ([path, { version, link, optional, dev }]) =>
      path === "" || link || !path.startsWith("node_modules/") ||
      (there[path] ? there[path].version === version && existsSync(path) : Boolean(optional || dev));
    process.exit(Object.entries(wanted).every(isThere) ? 0 : 1);
  ' 2>/dev/null
}

cd "$root" || finish failed "$root cannot be entered"
if is_installed; then
  note "everything is there"
else
  if ! command -v npm >/dev/null; then
    key PACKAGES failed
    finish failed "npm is missing; it comes with Node"
  fi
  echo "Installing the packages; $log says more." >&2
  if ! logged npm ci --no-audit --no-fund; then
    key PACKAGES failed
    finish failed "npm ci failed; the end of the log says why"
  fi
fi
if ! ask --help; then
  key PACKAGES failed
  finish failed "$complaint"
fi
key PACKAGES installed
finish success
