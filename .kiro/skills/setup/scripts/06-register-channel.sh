#!/bin/sh
# Registers a chat as a group, or changes what is asked here of one that is registered with that folder.
#   --jid <id or number> --name <name> --folder <folder> [--trigger <text>] [--no-trigger-required]
#   [--assistant-name <name>]
. "$(dirname -- "$0")/lib.sh"
begin REGISTER_CHANNEL
jid=
name=
folder=
trigger=
assistant=
requires_trigger=true
while [ $# -gt 0 ]; do
  case $1 in
    --jid) has_value "$@" && jid=$2 && shift ;;
    --name) has_value "$@" && name=$2 && shift ;;
    --folder) has_value "$@" && folder=$2 && shift ;;
    --trigger) has_value "$@" && trigger=$2 && shift ;;
    --assistant-name) has_value "$@" && assistant=$2 && shift ;;
    --no-trigger-required) requires_trigger=false ;;
    *) unknown_option "$1" ;;
  esac
  shift
done
[ -n "$jid" ] && [ -n "$name" ] && [ -n "$folder" ] || finish failed "--jid, --name and --folder are needed"
needs_install

# The folder that the chat is registered with; nothing when it is not.
folder_of() {
  printf '%s\n' "$said" | "$node" -e '
    const [wanted] = process.argv.slice(1);
    const digits = wanted.replace(/^(\+|00)/, "").replace(/\D/g, "");
    const ids = [wanted, ...(wanted.includes("@") ? [] : [`${digits}@s.whatsapp.net`])];
    const groups = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    const chat = groups.flatMap(({ chats }) => chats).find(({ jid }) => ids.includes(jid));
    if (chat) console.log(chat.folder);
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

# The trigger that every chat has by default stays the default: it follows the assistant's name.
[ "$trigger" != "@$(setting ASSISTANT_NAME Andy)" ] || trigger=
ask groups list --json || finish failed "$complaint"
registered=$(folder_of)
set -- --name "$name"
[ -z "$trigger" ] || set -- "$@" --trigger "$trigger"
[ $requires_trigger = true ] || set -- "$@" --no-trigger-required
if [ -z "$registered" ]; then
  # Every home has a main; more chats may join it. Another folder's group is not joined by mistake.
  if [ "$folder" = main ] && is_there; then set -- "$@" --join; fi
  set -- add --jid "$jid" --folder "$folder" "$@"
elif [ "$registered" = "$folder" ]; then
  set -- set "$folder" "$@"
else
  finish failed "the chat $jid is registered with the folder $registered already"
fi
ask groups "$@" --json || finish failed "$complaint"
# The owner's own chat answers to everything.
[ "$folder" != main ] || requires_trigger=false
key JID "$jid"
key NAME "$name"
key FOLDER "$folder"
key TRIGGER "${trigger:-@$(setting ASSISTANT_NAME Andy)}"
key REQUIRES_TRIGGER $requires_trigger
key ASSISTANT_NAME "$(setting ASSISTANT_NAME Andy)"
key ASSISTANT_NAME_APPLIED $applied
finish success
