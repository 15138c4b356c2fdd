#!/bin/sh
# Writes the allowlist of folders that groups may be shown: none with --empty, else the JSON on standard input.
# One that stood there before is kept beside it.
. "$(dirname -- "$0")/lib.sh"
begin CONFIGURE_MOUNTS
allowlist=$HOME/.config/nanoclaw/mount-allowlist.json
case $#-${1:-} in
  0-) [ ! -t 0 ] || finish failed "the allowlist is read from standard input; without folders: --empty" ;;
  1---empty) ;;
  *) unknown_option "$1" ;;
esac
needs_install
if [ $# = 1 ]; then echo '{ "allowedRoots": [] }'; else cat; fi >"$scratch/given"

key PATH "$allowlist"
if ! written=$("$node" "$scripts/allowlist.mjs" "$scratch/given" "$allowlist" 2>"$scratch/complaint"); then
  key ALLOWED_ROOTS 0
  key NON_MAIN_READ_ONLY unknown
  finish failed "the allowlist was not changed: $(cat "$scratch/complaint")"
fi
key ALLOWED_ROOTS "$(pick "$written" roots)"
key NON_MAIN_READ_ONLY "$(pick "$written" nonMainReadOnly)"
finish success
