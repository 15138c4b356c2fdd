# The WhatsApp groups that the linked account is in, for 05 and 05b: only a host may ask, since a second
# connection by the same link would throw the first one out. Sourced after lib.sh.
# shellcheck shell=sh

LIST_SECONDS=60

# list_groups: as JSON in $said. Where no host runs, one of ours does so long.
list_groups() {
  needs_install
  is_linked || { complaint="this machine is not linked to WhatsApp: run 04-auth-whatsapp.sh" && return 1; }
  ask groups sync --json && return 0
  case $complaint in "No host runs"*) ;; *) return 1 ;; esac
  note "a host is started, to ask WhatsApp"
  "$root/bin/nanoclaw" start >/dev/null 2>>"$log" </dev/null &
  child=$!
  wait_for_groups
  listed=$?
  list=$said
  end_child
  said=$list
  return $listed
}

wait_for_groups() {
  empty=0
  waited=0
  while [ $waited -lt $LIST_SECONDS ] && kill -0 "$child" 2>/dev/null; do
    if ask groups sync --json; then
      # A host that has just connected may not have heard of one yet.
      [ "$(pick "$said" '#')" = 0 ] && [ $empty -lt 5 ] || return 0
      empty=$((empty + 1))
    fi
    sleep 1
    waited=$((waited + 1))
  done
  complaint=${complaint:-the host that was started for it has ended}
  return 1
}
