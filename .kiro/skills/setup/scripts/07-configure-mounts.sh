#!/bin/sh
# Writes the allowlist of folders that groups may be shown: the JSON on standard input, or with --empty one
# that allows none. --empty leaves one alone that can be used already; --empty --force replaces that as well.
# One that stood there before is kept beside it.
. "$(dirname -- "$0")/lib.sh"
begin CONFIGURE_MOUNTS
allowlist=$HOME/.config/nanoclaw/mount-allowlist.json
empty=false
force=false
for option in "$@"; do
  case $option in
    --empty) empty=true ;;
    --force) force=true ;;
    *) unknown_option "$option" ;;
  esac
done
[ $force = false ] || [ $empty = true ] || finish failed "--force goes with --empty"
[ $empty = true ] || [ ! -t 0 ] || finish failed "the allowlist is read from standard input; without folders: --empty"
needs_install
if [ $empty = true ]; then echo '{ "allowedRoots": [] }'; else cat; fi >"$scratch/given"
set -- "$scratch/given" "$allowlist"
if [ $empty = true ] && [ $force = false ]; then set -- "$@" --keep; fi

key PATH "$allowlist"
if ! written=$("$node" "$scripts/allowlist.mjs" "$@" 2>"$scratch/complaint"); then
  key ALLOWED_ROOTS 0
  key NON_MAIN_READ_ONLY unknown
  finish failed "the allowlist was not changed: $(cat "$scratch/complaint")"
fi
key ALLOWED_ROOTS "$(pick "$written" roots)"
key NON_MAIN_READ_ONLY "$(pick "$written" nonMainReadOnly)"
finish success
