#!/bin/sh
# Puts kiro-cli and kiro-cli-chat into /kiro, as KIRO_CLI says (see the Dockerfile).
set -eu
mkdir -p /kiro /tmp/kiro

case ${KIRO_CLI:-} in
  none) exit 0 ;;
  "")
    if [ -n "${EXTRA_CA:-}" ]; then export CURL_CA_BUNDLE="/context/$EXTRA_CA"; fi
    apt-get update && apt-get install -y --no-install-recommends ca-certificates curl unzip
    curl -fsSL https://cli.kiro.dev/install | HOME=/tmp/kiro bash
    found=/tmp/kiro/.local/bin
    ;;
  *)
    given=/context/$KIRO_CLI
    if [ ! -f "$given" ]; then
      echo "KIRO_CLI=$KIRO_CLI: there is no such file below container/; it is an archive, an executable, or none" >&2
      exit 1
    fi
    case $given in
      *.tar | *.tar.gz | *.tgz) tar -xf "$given" -C /tmp/kiro ;;
      *.zip)
        apt-get update && apt-get install -y --no-install-recommends unzip
        unzip -q "$given" -d /tmp/kiro
        ;;
      *) cp "$given" /tmp/kiro/kiro-cli ;;
    esac
    found=$(dirname "$(find /tmp/kiro -type f -name kiro-cli | head -n 1)")
    ;;
esac

if [ ! -f "$found/kiro-cli" ]; then
  echo "KIRO_CLI=${KIRO_CLI:-}: it holds no file named kiro-cli" >&2
  exit 1
fi
install -m 755 "$found/kiro-cli" /kiro/kiro-cli
# The program looks for its sibling beside itself; a single executable serves under both names.
if [ -f "$found/kiro-cli-chat" ]; then install -m 755 "$found/kiro-cli-chat" /kiro/kiro-cli-chat
else ln -s kiro-cli /kiro/kiro-cli-chat; fi

said=$(HOME=/tmp/kiro /kiro/kiro-cli --version)
echo "$said"
if [ -n "${KIRO_CLI_VERSION:-}" ] && [ "$said" != "$KIRO_CLI_VERSION" ] && [ "${said##* }" != "$KIRO_CLI_VERSION" ]; then
  echo "kiro-cli --version says \"$said\", KIRO_CLI_VERSION says \"$KIRO_CLI_VERSION\"" >&2
  exit 1
fi
