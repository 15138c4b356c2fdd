#!/bin/sh
# Asks WhatsApp which groups the linked account is in. 05b-list-groups.sh shows them.
. "$(dirname -- "$0")/lib.sh"
. "$scripts/groups.sh"
begin SYNC_GROUPS
[ $# = 0 ] || unknown_option "$1"
key BUILD not_needed
if ! list_groups; then
  key SYNC failed
  key GROUPS_IN_DB 0
  finish failed "$complaint"
fi
key SYNC success
key GROUPS_IN_DB "$(pick "$said" '#')"
finish success
