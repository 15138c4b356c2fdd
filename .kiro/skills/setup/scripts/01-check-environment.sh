#!/bin/sh
# What this machine has: system, Node, container engine, Kiro, and what was set up before. Changes nothing.
. "$(dirname -- "$0")/lib.sh"
begin CHECK_ENVIRONMENT
[ $# = 0 ] || unknown_option "$1"

# node_is_new <major> <minor>
node_is_new() {
  [ -n "$node" ] && "$node" -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const [wantedMajor, wantedMinor] = process.argv.slice(1).map(Number);
    process.exit(major > wantedMajor || (major === wantedMajor && minor >= wantedMinor) ? 0 : 1);
  ' "$1" "$2"
}

# On these kinds of Linux NanoClaw brings its own Node: an older one that can run npm is enough.
brings_node() { [ "$platform" = linux ] && case $(uname -m) in x86_64 | aarch64 | arm64) true ;; *) false ;; esac; }

can_ask() { [ -f "$home/store/messages.db" ] && [ -d "$root/node_modules/commander" ]; }

# A home of the system before this one. Whatever opens it takes it over: not here.
is_old_home() { can_ask && "$root/bin/nanoclaw" move-in --dry-run --json >/dev/null 2>&1 </dev/null; }

has_groups() {
  # Asking makes a home where there is none yet.
  can_ask && ask groups list --json &&
    [ "$(printf '%s' "$said" | "$node" -e '
      const groups = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
      console.log(groups.flatMap(({ chats }) => chats).some(({ jid }) => !jid.startsWith("local:")));
    ')" = true ]
}

yes_no() { if "$@"; then echo true; else echo false; fi; }

node_ok=false
if node_is_new 24 15 || { brings_node && node_is_new 20 0; }; then node_ok=true; fi
problem=
[ $node_ok = true ] ||
  problem="NanoClaw needs Node 24.15 or newer from https://nodejs.org (on Linux 20 is enough: it brings its own)"
[ -d "$root/node_modules/commander" ] || command -v npm >/dev/null || problem="npm is missing; it comes with Node"
[ $platform != unknown ] || problem="$(uname -s) is not supported; NanoClaw runs on macOS and Linux"

key PLATFORM "$platform"
key NODE_VERSION "$([ -n "$node" ] && "$node" -p process.versions.node || echo not_found)"
key NODE_OK $node_ok
key DOCKER "$(engine_state)"
key KIRO_CLI "$(kiro_cli)"
key KIRO_AGENT_CONFIG "$(agent_config)"
key HAS_ENV "$(yes_no test -f "$home/.env")"
key HAS_AUTH "$(yes_no is_linked)"
old=$(yes_no is_old_home)
if [ "$old" = true ]; then key HAS_REGISTERED_GROUPS true; else key HAS_REGISTERED_GROUPS "$(yes_no has_groups)"; fi
key OLD_HOME "$old"
[ -z "$problem" ] || finish failed "$problem"
finish success
