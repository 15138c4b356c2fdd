#!/bin/sh
# For turns without containers (NANOCLAW_AGENT_RUNTIME=host): whether NanoClaw starts and Kiro is there.
. "$(dirname -- "$0")/lib.sh"
begin SETUP_RUNTIME
[ $# = 0 ] || unknown_option "$1"
build_ok=false
if [ -n "$node" ] && [ -d "$root/node_modules/commander" ] && ask --help; then build_ok=true; fi
key BUILD_OK $build_ok
key KIRO_CLI "$(kiro_cli)"
key KIRO_AGENT_CONFIG "$(agent_config)"
[ $build_ok = true ] || finish failed "NanoClaw does not start: run 02-install-deps.sh"
[ "$(kiro_cli)" = available ] || finish failed "kiro-cli is not installed: curl -fsSL https://cli.kiro.dev/install | bash"
finish success
