#!/bin/sh
# Puts kiro-cli and kiro-cli-chat into /kiro, as KIRO_CLI says (see the Dockerfile).
set -eu
given=${KIRO_CLI:-}
wanted=${KIRO_CLI_VERSION:-}
mkdir -p /kiro /tmp/kiro
chmod 755 /kiro

fail() {
  echo "$*" >&2
  exit 1
}

packages() {
  apt-get update && apt-get install -y --no-install-recommends "$@" && return
  fail "KIRO_CLI=$given: the packages it needs here ($*) could not be installed"
}

unpack() {
  "$@" || fail "KIRO_CLI=$given: it cannot be unpacked"
}

case $given in
  none)
    [ -z "$wanted" ] || fail "KIRO_CLI=none installs no kiro-cli; KIRO_CLI_VERSION=$wanted cannot be met"
    exit 0
    ;;
  "")
    if [ -n "${EXTRA_CA:-}" ]; then export CURL_CA_BUNDLE="/context/$EXTRA_CA"; fi
    packages ca-certificates curl unzip
    curl -fsSL https://cli.kiro.dev/install -o /tmp/install-kiro-cli ||
      fail "The vendor's installer could not be fetched. Give kiro-cli as a file: --build-arg KIRO_CLI=<archive or executable below container/>; or build without it: --build-arg KIRO_CLI=none"
    HOME=/tmp/kiro bash /tmp/install-kiro-cli || fail "The vendor's installer failed"
    ;;
  *)
    file=/context/$given
    [ -f "$file" ] || fail "KIRO_CLI=$given: there is no such file below container/; it is an archive, an executable, or none"
    case $given in
      *.tar | *.tar.gz | *.tgz) unpack tar -xf "$file" -C /tmp/kiro ;;
      *.tar.xz)
        packages xz-utils
        unpack tar -xf "$file" -C /tmp/kiro
        ;;
      *.zip)
        packages unzip
        unpack unzip -q "$file" -d /tmp/kiro
        ;;
      *.tar.* | *.deb | *.rpm | *.7z | *.gz) fail "KIRO_CLI=$given: of archives, .tar, .tar.gz, .tgz, .tar.xz and .zip are understood" ;;
      *) cp "$file" /tmp/kiro/kiro-cli ;;
    esac
    ;;
esac

found=$(find /tmp/kiro -type f -name kiro-cli | head -n 1)
[ -n "$found" ] || fail "KIRO_CLI=$given: it holds no file named kiro-cli"
install -m 755 "$found" /kiro/kiro-cli
# The program looks for its sibling beside itself; a single executable serves under both names.
sibling=$(dirname "$found")/kiro-cli-chat
if [ -f "$sibling" ]; then install -m 755 "$sibling" /kiro/kiro-cli-chat
else ln -s kiro-cli /kiro/kiro-cli-chat; fi

said=$(HOME=/tmp/kiro /kiro/kiro-cli --version) || fail "KIRO_CLI=$given: it does not run here; is it made for this kind of machine ($(uname -m))?"
echo "$said"
if [ -n "$wanted" ] && [ "$said" != "$wanted" ] && [ "${said##* }" != "$wanted" ]; then
  fail "kiro-cli --version says \"$said\", KIRO_CLI_VERSION asks for \"$wanted\""
fi
