#!/usr/bin/env bash
# Builds a control plane of Kubernetes from the Go module proxy, for run.sh beside: etcd, the API server and its controllers. The
# first time takes up to half an hour of two processors and 4 GB in Go's caches, later ones seconds.
set -euo pipefail
cd "$(dirname "$0")/../../test/support/kubernetes/apiserver"

readonly out=../../../../node_modules/.cache/kubernetes
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
# What Kubernetes' own build writes into its programs. Charts ask the API server for it.
stamp="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  minor=${version#v*.}
  stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
done
mkdir -p "$out"
nice -n 10 go build -trimpath -ldflags "-s -w" -o "$out/etcd" go.etcd.io/etcd/server/v3
nice -n 10 go build -trimpath -ldflags "$stamp" -o "$out/" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager

# What a ServiceMonitor and a PrometheusRule are.
operator=$(cd / && go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0 |
  sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
mkdir -p "$out/crds"
for kind in servicemonitors prometheusrules; do
  install -m 644 "$operator/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$out/crds/"
done
echo "Kubernetes $version is in node_modules/.cache/kubernetes"
