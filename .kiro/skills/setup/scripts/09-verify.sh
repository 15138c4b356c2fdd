#!/bin/sh
# Whether all of it works together: by what the running host, the engine, Kiro and WhatsApp say themselves, and by
# a message that is answered.   [--quick]: no message is sent (with Kiro one costs what a short answer costs)
. "$(dirname -- "$0")/lib.sh"
begin VERIFY
quick=
case $#-${1:-} in
  0-) ;;
  1---quick) quick=1 ;;
  *) unknown_option "$1" ;;
esac
needs_install
problems=
wrong() { problems="${problems:+$problems; }$1"; }

service_state() {
  ask service status --json || true
  case $(pick "$said" kind) in
    running) echo running ;;
    stopped) echo stopped ;;
    no-manager) echo no_manager ;;
    *) echo not_found ;;
  esac
}

# answered | failed | skipped
test_message() {
  [ -z "$quick" ] || { echo skipped && return; }
  [ "$host" = true ] || { echo failed && return; }
  # A prompt that waits for a cure is over at once; one that runs may run for long.
  "$node" -e '
    const { execFileSync } = require("node:child_process");
    const said = execFileSync(process.argv[1], ["chat", "--json", "Are you there? One word is enough."], {
      timeout: 180_000, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = said.trim().split("\n").map((line) => JSON.parse(line));
    process.exit(lines.some(({ type, text }) => type === "reply" && text !== "") ? 0 : 1);
  ' "$root/bin/nanoclaw" 2>>"$log" && echo answered || echo failed
}

ask status --json || finish failed "$complaint"
status=$said
host=$(pick "$status" running)
service=$(service_state)
ask doctor --quick --json
doctor=$said
[ -n "$doctor" ] || finish failed "$complaint"
found() { pick "$doctor" "name=$1" state; }

docker=running
agent_image=available
# The service file may set the runtime: the host that runs knows, and doctor asks it.
case $(pick "$doctor" name=runtime detail) in
  'host, set so by '*) docker=not_needed agent_image=not_needed ;;
  *)
    if [ "$(found engine)" != ok ]; then docker=not_running agent_image=missing
    elif [ "$(found image)" != ok ] && [ "$(found image)" != note ]; then agent_image=missing
    fi
    ;;
esac
whatsapp=not_found
if [ "$(pick "$status" channels name=whatsapp connected)" = true ]; then whatsapp=authenticated
elif [ "$(setting NANOCLAW_WHATSAPP auto)" = off ]; then whatsapp=off
elif is_linked; then whatsapp=not_connected
fi
ask groups list --json
groups=$(printf '%s\n' "$said" | "$node" -e '
  const groups = JSON.parse(require("node:fs").readFileSync(0, "utf8") || "[]");
  console.log(groups.filter(({ chats }) => chats.some(({ jid }) => !jid.startsWith("local:"))).length);
' 2>>"$log")
case $(found 'kiro login') in
  '') login=not_used ;;
  wrong) login=missing ;;
  *) login=ok ;;
esac
message=$(test_message)

case $service in
  running) ;;
  no_manager) wrong "nothing runs services here: 08-setup-service.sh says what to do" ;;
  *) wrong "the service is $service: run 08-setup-service.sh" ;;
esac
[ "$host" = true ] || wrong "no host runs"
case $docker-$agent_image in *not_running* | *missing*) wrong "turns have no container: run 03-setup-container.sh" ;; esac
case $whatsapp in not_*) wrong "WhatsApp is $whatsapp: run 04-auth-whatsapp.sh" ;; esac
[ "${groups:-0}" != 0 ] || [ $whatsapp = off ] || wrong "no WhatsApp chat is registered: run 06-register-channel.sh"
[ "$message" != failed ] || wrong "the test message was not answered"
more=$(printf '%s\n' "$doctor" | "$node" -e '
  const checks = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const words = ({ name, detail, cure }) => `${name}: ${detail}${cure ? ` (${cure})` : ""}`;
  console.log(checks.filter(({ state }) => state === "wrong").map(words).join("; "));
')
[ -z "$more" ] || wrong "$more"

key SERVICE "$service"
key DOCKER "$docker"
key AGENT_IMAGE "$agent_image"
key IMAGE_NAME "$image"
key KIRO_AGENT_CONFIG "$(agent_config)"
key KIRO_LOGIN $login
key WHATSAPP_AUTH "$whatsapp"
key REGISTERED_GROUPS "${groups:-0}"
key MOUNT_ALLOWLIST "$([ -f "$HOME/.config/nanoclaw/mount-allowlist.json" ] && echo configured || echo missing)"
key TEST_MESSAGE "$message"
[ -z "$problems" ] || finish failed "$problems"
finish success
