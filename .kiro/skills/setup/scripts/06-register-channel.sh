#!/bin/sh
# Registers a chat as a group, or changes what is asked here of one that is registered with that folder.
#   --jid <id or number> --name <name> --folder <folder> [--trigger <text>] [--trigger-required]
#   [--no-trigger-required] [--assistant-name <name>]
# What is not named stays as it is; the block says what then holds.
. "$(dirname -- "$0")/lib.sh"
begin REGISTER_CHANNEL
jid=
name=
folder=
trigger=
assistant=
requires_trigger=
while [ $# -gt 0 ]; do
  case $1 in
    --jid) has_value "$@" && jid=$2 && shift ;;
    --name) has_value "$@" && name=$2 && shift ;;
    --folder) has_value "$@" && folder=$2 && shift ;;
    --trigger) has_value "$@" && trigger=$2 && shift ;;
    --assistant-name) has_value "$@" && assistant=$2 && shift ;;
    --trigger-required) requires_trigger=true ;;
    --no-trigger-required) requires_trigger=false ;;
    *) unknown_option "$1" ;;
  esac
  shift
done
[ -n "$jid" ] && [ -n "$name" ] && [ -n "$folder" ] || finish failed "--jid, --name and --folder are needed"
needs_install

# chat_in <groups as JSON> [groups before, as JSON]: the chat, as JSON; nothing when it is not among them.
# It may be kept under another id than the one that was given: then it is the one that was not there before.
chat_in() {
  printf '[%s,%s]\n' "$1" "${2:-null}" | "$node" -e '
    const [wanted] = process.argv.slice(1);
    const digits = wanted.replace(/^(\+|00)/, "").replace(/\D/g, "");
    const ids = [wanted, ...(wanted.includes("@") ? [] : [`${digits}@s.whatsapp.net`])];
    const [now, before] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    const chatsOf = (groups) => [groups].flat().flatMap(({ chats }) => chats);
    const known = before && chatsOf(before).map(({ jid }) => jid);
    const isNew = ({ jid }) => known && !known.includes(jid);
    const chat = chatsOf(now).find(({ jid }) => ids.includes(jid)) ?? chatsOf(now).find(isNew);
    if (chat) console.log(JSON.stringify(chat));
  ' "$jid"
}

is_there() { [ -n "$(pick "$said" "folder=$folder")" ]; }

# The name is tried before it is written: with one that cannot be used no command would start any more.
apply_assistant_name() {
  complaint=$(ASSISTANT_NAME=$assistant "$root/bin/nanoclaw" groups list 2>&1 >/dev/null) || return 1
  complaint=$("$node" --input-type=module -e '
    const [file, home, name] = process.argv.slice(1);
    const { setEnv } = await import((await import("node:url")).pathToFileURL(file));
    try {
      setEnv(home, { ASSISTANT_NAME: name });
    } catch (error) {
      console.error(error.message);
      process.exit(1);
    }
  ' "$root/src/env-file.ts" "$home" "$assistant" 2>&1 >/dev/null) || return 1
  [ "$(setting ASSISTANT_NAME Andy)" = "$assistant" ] || {
    complaint="the environment says ASSISTANT_NAME=$(setting ASSISTANT_NAME Andy), and wins over .env"
    return 1
  }
}

applied=false
if [ -n "$assistant" ]; then
  apply_assistant_name || finish failed "--assistant-name: $complaint"
  applied=true
fi

ask groups list --json || finish failed "$complaint"
before=$said
chat=$(chat_in "$before")
registered=$(pick "$chat" folder)
# The trigger that every chat has by default stays the default, which follows the assistant's name.
if [ "$trigger" = "@$(setting ASSISTANT_NAME Andy)" ] && [ -z "$(pick "$chat" trigger)" ]; then trigger=; fi
set -- --name "$name"
[ -z "$trigger" ] || set -- "$@" --trigger "$trigger"
[ "$requires_trigger" != false ] || set -- "$@" --no-trigger-required
if [ -z "$registered" ]; then
  # Every home has a main; more chats may join it. Another folder's group is not joined by mistake.
  if [ "$folder" = main ] && is_there; then set -- "$@" --join; fi
  set -- add --jid "$jid" --folder "$folder" "$@"
elif [ "$registered" = "$folder" ]; then
  # A chat that is added needs one anyway, and `add` has no such option.
  [ "$requires_trigger" != true ] || set -- "$@" --trigger-required
  set -- set "$folder" "$@"
else
  finish failed "the chat $jid is registered with the folder $registered already"
fi
ask groups "$@" --json || finish failed "$complaint"
chat=$(chat_in "$said" "$before")
trigger=$(pick "$chat" trigger)
requires_trigger=$(pick "$chat" requiresTrigger)
# The owner's own chat answers to everything.
[ "$folder" != main ] || requires_trigger=false
key JID "$jid"
key NAME "$name"
key FOLDER "$folder"
key TRIGGER "${trigger:-@$(setting ASSISTANT_NAME Andy)}"
key REQUIRES_TRIGGER "${requires_trigger:-unknown}"
key ASSISTANT_NAME "$(setting ASSISTANT_NAME Andy)"
key ASSISTANT_NAME_APPLIED $applied
finish success
