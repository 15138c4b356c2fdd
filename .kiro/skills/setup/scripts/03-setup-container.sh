#!/bin/sh
# Builds the image that turns run in, and sees that kiro-cli runs in it.
#   [--build-arg NAME=value …]   as docs/containers.md lists them, e.g. --build-arg KIRO_CLI=none
. "$(dirname -- "$0")/lib.sh"
begin SETUP_CONTAINER
kiro_left_out=
count=$#
while [ $count -gt 0 ]; do
  case $1 in
    --build-arg)
      has_value "$@"
      [ "$2" != KIRO_CLI=none ] || kiro_left_out=1
      set -- "$@" --build-arg "$2"
      shift 2
      count=$((count - 2))
      ;;
    *) unknown_option "$1" ;;
  esac
done

build_ok=false
image_ok=false
docker=$(engine_state)
# end_with <status> [error]
end_with() {
  key RUNTIME docker
  key IMAGE "$image"
  key DOCKER "$([ "$docker" = running ] && echo running || echo not_running)"
  key BUILD_OK $build_ok
  key IMAGE_OK $image_ok
  finish "$@"
}

case $docker in
  not_found) end_with failed "$engine is not installed (Debian, Ubuntu: apt-get install docker.io; macOS: Docker Desktop)" ;;
  installed_not_running) end_with failed "the container engine does not answer; the log says why (macOS: open -a Docker; Linux: sudo systemctl start docker)" ;;
esac
echo "Building $image: this takes some minutes. What happens: tail -f $log" >&2
logged "$engine" build -t "$image" "$@" "$root/container" ||
  end_with failed "the image could not be built; the end of the log says why"
build_ok=true
# runs <program> [argument…]
runs() { quickly "$engine" run --rm --pull=never --network=none --log-driver=none --entrypoint "$@"; }
if [ -n "$kiro_left_out" ]; then
  runs cat "$image" /app/entrypoint.sh || end_with failed "no container of the image can be started; the log says why"
else
  runs /usr/local/bin/kiro-cli "$image" --version || end_with failed "kiro-cli does not run in the image; the log says why"
fi
image_ok=true
end_with success
