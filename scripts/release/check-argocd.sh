#!/usr/bin/env bash
# Checks deployments/argocd/ against the schemas that Argo CD itself installs in a cluster, unknown fields refused. They come with its
# module from the Go module proxy (some 60 MB, once), which is why no test of every day does this. Needs Go, Bun (npm install) and
# check-jsonschema (CHECK_JSONSCHEMA, or in PATH).
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly MODULE=github.com/argoproj/argo-cd/v3@v3.6.1
checker=${CHECK_JSONSCHEMA:-check-jsonschema}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Its go.mod may ask for a newer Go than there is: nothing of it is built, and its files come all the same.
(cd "$work" && go mod download -json "$MODULE" >module.json) || true
folder=$(go env GOMODCACHE)/$MODULE
if [ ! -d "$folder/manifests/crds" ]; then
  echo "could not have $MODULE: $(sed -n 's/^\t"Error": //p' "$work/module.json")" >&2
  exit 1
fi
for kind in application appproject; do
  node_modules/.bin/bun scripts/release/crd-schema.ts "$folder/manifests/crds/$kind-crd.yaml" >"$work/$kind.json"
done
"$checker" --schemafile "$work/application.json" deployments/argocd/application.yaml
"$checker" --schemafile "$work/appproject.json" deployments/argocd/project.yaml
