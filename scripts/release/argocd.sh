#!/usr/bin/env bash
# Has Argo CD bring a version into operation, and waits until it is healthy there.
#
#   ARGOCD_SERVER=argocd.example.org ARGOCD_AUTH_TOKEN=… scripts/release/argocd.sh VERSION
#
# ARGOCD_SERVER and ARGOCD_AUTH_TOKEN say where Argo CD is, and who asks (deployments/argocd/project.yaml has a role that may do this
# and no more). Where neither is set, nothing is deployed, a notice says so, and the exit code is 0.
# ARGOCD_APPLICATION names the application (neurabalancer). ARGOCD_OPTS goes to argocd, such as --grpc-web behind a proxy.
# ARGOCD is the program; without it, its image is run by Docker.
set -Eeuo pipefail

readonly IMAGE=quay.io/argoproj/argocd:v3.6.1 SECONDS_TO_WAIT=900

if [ $# -ne 1 ] || [ -z "$1" ]; then
  echo "usage: scripts/release/argocd.sh VERSION" >&2
  exit 2
fi
version=$1
application=${ARGOCD_APPLICATION:-neurabalancer}

if [ -z "${ARGOCD_SERVER:-}" ] && [ -z "${ARGOCD_AUTH_TOKEN:-}" ]; then
  echo "::notice title=Not deployed::ARGOCD_SERVER and ARGOCD_AUTH_TOKEN are not set: $version is released, and deployed nowhere"
  exit 0
fi
for name in ARGOCD_SERVER ARGOCD_AUTH_TOKEN; do
  if [ -z "${!name:-}" ]; then
    echo "$name is not set, and the other one is: set both to deploy, or neither" >&2
    exit 1
  fi
done
export ARGOCD_SERVER ARGOCD_AUTH_TOKEN ARGOCD_OPTS=${ARGOCD_OPTS:-}

argocd() {
  if [ -n "${ARGOCD:-}" ]; then
    "$ARGOCD" "$@"
  else
    # The values stay in the environment: arguments can be read by everybody on the machine.
    docker run --rm --env ARGOCD_SERVER --env ARGOCD_AUTH_TOKEN --env ARGOCD_OPTS "$IMAGE" argocd "$@"
  fi
}

# Whoever reads the run sees what Argo CD holds against it.
explain() {
  echo "$application at $version did not become healthy; what Argo CD says of it:" >&2
  argocd app get "$application" >&2 || true
}
trap explain ERR

argocd app set "$application" --revision "$version"
argocd app sync "$application" --timeout "$SECONDS_TO_WAIT"
argocd app wait "$application" --sync --health --operation --timeout "$SECONDS_TO_WAIT"
echo "::notice title=Deployed::$application is at $version, in sync and healthy"
