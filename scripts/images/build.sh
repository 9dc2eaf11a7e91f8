#!/usr/bin/env bash
# Builds the three images of deployments/docker without a container engine, and says how large they are: by Debian's buildah, in a
# chroot, over base images that bases.sh makes. Needs root, and: buildah debootstrap nodejs npm, on Debian 12.
# Afterwards scripts/images/try.sh runs what was built. Takes a minute or two for each image, and two more the first time.
# usage: build.sh [--directory DIR] [balancer|backend|ml …]
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=${IMAGES_DIRECTORY:-/var/tmp/neurabalancer-images}
if [ "${1:-}" = --directory ]; then
  directory=${2:?--directory wants one}
  shift 2
fi
kinds=("$@")
[ $# -gt 0 ] || kinds=(balancer backend ml)

absent=()
for program in buildah debootstrap dpkg-deb node npm; do
  command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || absent+=("$program")
done
export PATH=$PATH:/usr/sbin
if [ ${#absent[@]} -gt 0 ] || [ "$(id -u)" -ne 0 ]; then
  echo "build.sh: needs root${absent[*]:+, and ${absent[*]}: apt-get install buildah debootstrap nodejs npm}" >&2
  exit 2
fi
for kind in "${kinds[@]}"; do
  [ -f "deployments/docker/Dockerfile.$kind" ] || {
    echo "build.sh: there is no deployments/docker/Dockerfile.$kind: known are balancer, backend and ml" >&2
    exit 2
  }
done

umask 022
mkdir -p "$directory"
scripts/images/bases.sh "$directory"
images() { nice -n 10 buildah --root "$directory/root" --runroot "$directory/run" --storage-driver vfs "$@"; }
version=$(node -p 'require("./package.json").version')
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
secrets=()
if [ -f "$HOME/.npmrc" ]; then secrets=(--secret "id=npmrc,src=$HOME/.npmrc"); fi

megabytes() { du -sm --apparent-size "$@" | awk '{ sum += $1 } END { printf "%4d MiB", sum }'; }

for kind in "${kinds[@]}"; do
  name=ghcr.io/neurabalancer/neurabalancer
  [ "$kind" = balancer ] || name+="-$kind"
  echo "── $name:$version"
  # Health checks are of Docker's format. Not --layers: with vfs each step would be one more copy of everything.
  images bud --isolation chroot --format docker --pull-never --quiet "${secrets[@]}" \
    --build-arg "TARGETARCH=$(dpkg --print-architecture)" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    --file "deployments/docker/Dockerfile.$kind" --tag "$name:$version" . >"$directory/$kind.log" 2>&1 || {
    tail -n 30 "$directory/$kind.log" >&2
    exit 1
  }
  # Unpacked, for who runs it and looks how large it is.
  images rm "try-$kind" >/dev/null 2>&1 || true
  images from --pull-never --name "try-$kind" "$name:$version" >/dev/null
  rootfs=$(images mount "try-$kind")
  ln -sfn "$rootfs" "$directory/$kind"
  images inspect --type image "$name:$version" |
    node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).Docker.config)' >"$directory/$kind.json"
  packages=$rootfs/app/node_modules
  echo "  $(megabytes "$rootfs/usr/local/bin/bun")  the runtime"
  [ ! -d "$packages/onnxruntime-node" ] || echo "  $(megabytes "$packages/onnxruntime-node")  onnxruntime"
  echo "  $(megabytes "$packages" --exclude=onnxruntime-node)  other packages"
  echo "  $(megabytes "$rootfs/app" --exclude=node_modules)  the product"
  echo "  $(megabytes "$rootfs") in all, $(tar -C "$rootfs" -c . | gzip | wc -c | awk '{ printf "%d MiB", $1 / 1048576 }') compressed"
done
echo "scripts/images/try.sh --directory $directory runs them"
