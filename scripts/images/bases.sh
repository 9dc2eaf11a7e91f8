#!/usr/bin/env bash
# Stands in for the base images of deployments/docker where no registry of images can be reached: makes them of Debian's packages and
# gives them the names that the Dockerfiles have after FROM. The run-time bases are made as distroless makes its own, of unpacked
# packages; the builder is debootstrap's with the Node.js of this machine. They are for builds on this machine and never published.
# usage: bases.sh <directory of buildah's storage>
set -euo pipefail
storage=${1:?usage: bases.sh <directory of the storage>}
cd "$(dirname "$0")/../.."
readonly SUITE=bookworm MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# What gcr.io/distroless/base-nossl-debian12 and cc-debian12 are made of.
readonly NOSSL=(base-files netbase tzdata media-types ca-certificates libc6)
readonly CC=("${NOSSL[@]}" libssl3 libgcc-s1 libgomp1 libstdc++6)

images() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@"; }
named() { sed -n "s/^ARG $1=//p" "deployments/docker/Dockerfile.$2"; }
known() { images inspect --type image "$1" >/dev/null 2>&1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# commit <directory> <name> <user> [<variable>=<value>]: an image of one layer.
commit() {
  local container
  container=$(images from scratch)
  images config --user "$3" --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${4:+--env "$4"} "$container"
  images copy --quiet "$container" "$1" / >/dev/null
  images commit --quiet --format docker --rm "$container" "$2" >/dev/null
  echo "made $2" >&2
}

# runtime <name> <packages …>
runtime() {
  local name=$1 root=$work/runtime package
  shift
  if known "$name"; then return; fi
  mkdir -p "$work/packages" "$root"
  (cd "$work/packages" && apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null)
  for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
  rm -rf "$root"/usr/share/{doc,man,lintian,locale} "$root"/usr/lib/*/gconv
  # What scripts of packages would have made.
  (cd "$root/usr/share/ca-certificates" && find . -name '*.crt' -print0 | sort -z | xargs -0 cat) >"$work/bundle"
  mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot" "$root/root" "$root/tmp" "$root/proc" "$root/sys" "$root/dev"
  mv "$work/bundle" "$root/etc/ssl/certs/ca-certificates.crt"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin' \
    'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nobody:x:65534:' 'nonroot:x:65532:' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  chown 65532:65532 "$root/home/nonroot"
  chmod 1777 "$root/tmp"
  chmod 700 "$root/root" "$root/home/nonroot"
  commit "$root" "$name" 65532
  rm -rf "$work/packages" "$root"
}

# builder <name>: Debian with Node.js and npm. What this machine trusts, it trusts as well.
builder() {
  local name=$1 root=$work/builder
  if known "$name"; then return; fi
  nice -n 10 debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root" "$MIRROR" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    return 1
  }
  mkdir -p "$root/usr/local/lib/node_modules"
  cp "$(node -p process.execPath)" "$root/usr/local/bin/node"
  cp -r "$(npm root -g)/npm" "$root/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
  commit "$root" "$name" 0 NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
  rm -rf "$root"
}

builder "$(named BUILDER_IMAGE balancer)"
runtime "$(named RUNTIME_IMAGE balancer)" "${CC[@]}"
runtime "$(named RUNTIME_IMAGE backend)" "${NOSSL[@]}"
