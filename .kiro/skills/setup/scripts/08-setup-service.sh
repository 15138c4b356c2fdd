#!/bin/sh
# Makes NanoClaw a service of this person (launchd or systemd), or brings one that is there up to date, and
# starts it anew.   [--platform macos | linux]
. "$(dirname -- "$0")/lib.sh"
begin SETUP_SERVICE
wanted=
while [ $# -gt 0 ]; do
  case $1 in
    --platform) has_value "$@" && wanted=$2 && shift ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

here=$platform
[ -z "$wanted" ] || platform=$wanted
case $platform in
  macos) type=launchd && file_key=PLIST_PATH && file=$HOME/Library/LaunchAgents/com.nanoclaw.plist ;;
  linux) type=systemd && file_key=UNIT_PATH && file=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/nanoclaw.service ;;
  *) type=unknown && file_key= ;;
esac

# end_with <loaded> <status> [error]
end_with() {
  key SERVICE_TYPE $type
  key NODE_PATH "${node:-not_found}"
  key KIRO_CLI_PATH "$(command -v kiro-cli || echo not_found)"
  key PROJECT_PATH "$root"
  [ -z "$file_key" ] || key $file_key "$file"
  key SERVICE_LOADED "$1"
  shift
  finish "$@"
}

[ $type != unknown ] || end_with false failed "there is no service for $platform: --platform macos or linux"
[ "$platform" = "$here" ] || end_with false failed "this is $here; to see the file for $platform: npm run nanoclaw -- service install --platform $platform --dry-run"
needs_install
ask service install || end_with false failed "$complaint"
printf '%s\n' "$said" >&2
ask service status --json || end_with false failed "$complaint"
file=$(pick "$said" file)
loaded=false
[ "$(pick "$said" kind)" != running ] || loaded=true
[ "$(pick "$said" answers)" = true ] ||
  end_with $loaded failed "it does not answer: $(pick "$said" detail) $(pick "$said" cure) $(pick "$said" lastErrors)"
end_with true success
