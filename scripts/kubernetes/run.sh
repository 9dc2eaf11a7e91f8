#!/usr/bin/env bash
# What .ci/run does not run, because its programs take up to half an hour to build: discovery, and the Helm chart, against a
# real API server of Kubernetes with etcd and controllers (build.sh), but without nodes: pods stay pending, unless the checks
# report otherwise. The last line is "N passed, N failed".
#
#   scripts/kubernetes/run.sh             # all of it
#   scripts/kubernetes/run.sh discovery   # or: chart
#
# Needs Linux with unshare and ip (Debian: util-linux, iproute2), npm, and Go for the builds. It opens no port and no address of this
# machine: all of it happens in a network namespace, which ends with it. As another user than root the system must allow
# namespaces of users.
set -euo pipefail
cd "$(dirname "$0")/../.."
for name in "$@"; do
  if [ ! -f "scripts/kubernetes/$name.ts" ]; then
    echo "unknown part $name: known are discovery and chart" >&2
    exit 2
  fi
done
[ $# -gt 0 ] || set -- discovery chart

node scripts/ensure-installed.mjs
npm run --silent build:helm
scripts/kubernetes/build.sh

paths=()
for name in "$@"; do paths+=("./scripts/kubernetes/$name.ts"); done
namespace=(unshare --net)
[ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
# All addresses of pods and services are this machine's, in there.
exec "${namespace[@]}" bash -euc '
  ip link set lo up
  ip address add 10.244.0.1/16 dev lo
  ip address add 10.96.0.1/16 dev lo
  exec node scripts/test.mjs "$@"
' bash "${paths[@]}"
