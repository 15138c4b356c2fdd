#!/bin/sh
# Links this machine to WhatsApp. A link that works is kept, and a new one takes an old one's place only once
# it was connected: nothing is deleted here.
#   --method qr-browser | pairing-code | qr-terminal   [--phone <number>] [--owner <number>] [--force]
. "$(dirname -- "$0")/lib.sh"
begin AUTH_WHATSAPP
method=
phone=
page=$home/store/qr-auth.html

fail() {
  key AUTH_METHOD "${method:-unknown}"
  key AUTH_STATUS failed
  [ -z "${code_shown:-}" ] || key PAIRING_CODE "$code_shown"
  close_page "It was not linked" "The terminal says why."
  finish failed "$1"
}

# Where the terminal that runs this cannot be seen, the person still sees the code. It is for nobody else.
write_page() {
  { printf '%s' "$1" >"$page.new" && chmod 600 "$page.new" && mv -f "$page.new" "$page"; } 2>>"$log"
}

# page_with <title> <body as HTML> <refresh>: no word of it comes from outside.
page_with() {
  printf '<!doctype html><meta charset="utf-8">%s<title>NanoClaw: %s</title><style>body{font-family:sans-serif;text-align:center;margin-top:8vh}img{width:320px}big{font-size:3em;letter-spacing:.1em}</style><h1>%s</h1>%s' "$3" "$1" "$1" "$2"
}

show_page() {
  write_page "$(page_with "$1" "$2" '<meta http-equiv="refresh" content="3">')" || return 0
  [ -z "${page_shown:-}" ] || return 0
  page_shown=1
  browser=xdg-open
  if [ $platform = macos ]; then browser=open
  elif [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then browser=
  fi
  # Some stay until their window is closed.
  if [ -n "$browser" ] && command -v $browser >/dev/null; then $browser "$page" >/dev/null 2>&1 </dev/null &
  else echo "No browser can be opened here. Open this page with one: $page" >&2
  fi
}

close_page() { [ -z "${page_shown:-}" ] || write_page "$(page_with "$1" "<p>$2</p>" '')"; }

at_early_end() { close_page "It was not linked" "It was broken off."; }

how="<p>On the phone: WhatsApp &gt; Settings (on Android the three dots) &gt; Linked devices &gt; Link a device</p>"

show_qr() {
  picture=$(base64 <"$(pick "$1" picture)" | tr -d '\n')
  show_page "Scan this code" "$how<img src=\"data:image/png;base64,$picture\" alt=\"QR code\">"
}

show_code() {
  code_shown=$(pick "$1" code)
  echo "To be typed on the phone (Linked devices > Link a device > Link with phone number instead): $code_shown" >&2
  show_page "Type this code" "$how<p>Then &quot;Link with phone number instead&quot;:</p><big>$code_shown</big>"
}

# One line of `auth --json`. Its codes and numbers are not for the log.
take() {
  type=$(pick "$1" type)
  note "$type"
  case $type in
    qr) [ "$method" != qr-browser ] || show_qr "$1" ;;
    code) show_code "$1" ;;
    kept) result=already_authenticated number=$(pick "$1" number) ;;
    linked) result=authenticated number=$(pick "$1" number) ;;
    owner-needed) owner=needed ;;
    owner-code | owner-later | owner-waiting) owner=code_sent && pick "$1" text >&2 ;;
    owner) owner=proved ;;
    *) pick "$1" text >&2 ;;
  esac
}

force=
owner_flag=
while [ $# -gt 0 ]; do
  case $1 in
    --method) has_value "$@" && method=$2 && shift ;;
    --phone) has_value "$@" && phone=$2 && shift ;;
    --owner) has_value "$@" && owner_flag=$2 && shift ;;
    --force) force=1 ;;
    *) fail "there is no option $1" ;;
  esac
  shift
done
case $method in
  qr-browser | qr-terminal) [ -z "$phone" ] || fail "--phone goes with --method pairing-code" ;;
  pairing-code) [ -n "$phone" ] || fail "--method pairing-code needs --phone <number with country code>" ;;
  '') fail "--method is missing: qr-browser, pairing-code or qr-terminal" ;;
  *) fail "there is no method $method: qr-browser, pairing-code or qr-terminal" ;;
esac
needs_install

set --
[ -z "$force" ] || set -- "$@" --force
[ -z "$owner_flag" ] || set -- "$@" --owner "$owner_flag"

# Drawn in characters, it is of use only where a person looks on.
if [ $method = qr-terminal ]; then
  key AUTH_METHOD qr-terminal
  if ! { [ -t 0 ] && [ -t 1 ]; }; then
    key AUTH_STATUS manual
    key PROJECT_PATH "$root"
    key COMMAND "npm run auth"
    finish manual
  fi
  if "$root/bin/nanoclaw" auth "$@"; then
    key AUTH_STATUS authenticated
    finish success
  fi
  key AUTH_STATUS failed
  finish failed "it was not linked; what was shown above says why"
fi

[ $method != pairing-code ] || set -- "$@" --pairing-code --phone "$phone"
result=
number=
owner=
mkfifo "$scratch/lines" || fail "no pipe can be made in $scratch"
"$root/bin/nanoclaw" auth --json "$@" >"$scratch/lines" 2>"$scratch/complaint" </dev/null &
child=$!
while IFS= read -r line; do take "$line"; done <"$scratch/lines"
wait "$child"
code=$?
child=
complaint=$(cat "$scratch/complaint")
if [ $code != 0 ] || [ -z "$result" ]; then fail "${complaint:-auth ended with $code}"; fi
close_page "Linked" "This page can be closed."
key AUTH_METHOD "$method"
key AUTH_STATUS "$result"
[ -z "${code_shown:-}" ] || key PAIRING_CODE "$code_shown"
[ -z "$number" ] || key PHONE_NUMBER "$number"
[ -z "$owner" ] || key OWNER "$owner"
finish success
