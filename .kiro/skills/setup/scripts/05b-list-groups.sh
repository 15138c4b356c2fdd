#!/bin/sh
# Before the block, one line a group: <jid>|<name>|<folder it is registered with, or nothing>.
#   05b-list-groups.sh [how many, 30]
. "$(dirname -- "$0")/lib.sh"
. "$scripts/groups.sh"
begin LIST_GROUPS
most=${1:-30}
case $most in *[!0-9]*) finish failed "$most is no number of groups" ;; esac
list_groups || finish failed "$complaint"
# Anybody in a group may name it.
printf '%s\n' "$said" | "$node" -e '
  const groups = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const plain = (name) => name.replace(/[\p{Bidi_Control}\p{C}\p{Z}|]+/gu, " ").trim();
  for (const { jid, name, folder } of groups.slice(0, Number(process.argv[1]))) console.log(`${jid}|${plain(name)}|${folder ?? ""}`);
  const names = groups.map(({ name }) => plain(name));
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  if (twice.length > 0) console.error(`Several groups are called alike, choose by the id: ${twice.join(", ")}`);
' "$most"
key COUNT "$(pick "$said" '#')"
finish success
