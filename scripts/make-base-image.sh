#!/bin/sh
# Makes the agent image's base where no image can be pulled: Debian by debootstrap, the pinned Node
# of this repository and this machine's npm, tagged as what the Dockerfile asks for.
# Usage: make-base-image.sh [tag]    (root; DOCKER names the engine's client, default docker)
set -eu
tag=${1:-node:24-bookworm-slim}
docker=${DOCKER:-docker}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
node=$(ls "$root"/node_modules/node-linux-*/bin/node | head -n 1)
npm=$(dirname -- "$(dirname -- "$(readlink -f "$(command -v npm)")")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debootstrap --variant=minbase --include=ca-certificates bookworm "$work/fs" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  exit 1
}
rm -rf "$work"/fs/var/cache/apt/archives/*.deb "$work"/fs/var/lib/apt/lists/* "$work"/fs/usr/share/doc/* \
  "$work"/fs/usr/share/locale/* "$work"/fs/usr/share/man/*
install -m 755 "$node" "$work/fs/usr/local/bin/node"
mkdir -p "$work/fs/usr/local/lib/node_modules"
cp -R "$npm" "$work/fs/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/fs/usr/local/bin/npm"
chroot "$work/fs" useradd --uid 1000 --user-group --create-home node
tar -C "$work/fs" -c . | "$docker" import --change 'CMD ["node"]' - "$tag" >/dev/null
echo "$tag"
