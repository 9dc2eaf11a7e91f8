#!/usr/bin/env bash
# Asks the tools themselves whether they take the files of configs/. What is not installed is named and left out: then the
# exit code is 0 as long as nothing fails, or 1 with --all. Needs in PATH, each from its own project:
#   promtool (3.x for prometheus.yml, any for the rules), loki, tempo, alloy, promtail, otelcol-contrib (or otelcol),
#   docker compose
# With --live the tests that have a Prometheus scrape a running balancer run too, with the one that is first in PATH: the rules,
# every query of the dashboards, one failed request from metric to trace. They take two minutes.
#
# Prometheus 3 from the module proxy, which takes several minutes of two cores the first time:
#   for program in prometheus promtool; do
#     go install -tags remove_all_sd,netgo -ldflags '-X github.com/prometheus/common/version.Version=3.16.0' \
#       github.com/prometheus/prometheus/cmd/$program@v0.316.0
#   done
#   PATH=$(go env GOPATH)/bin:$PATH scripts/check-stack.sh --live
set -uo pipefail
is_all=false
is_live=false
for argument in "$@"; do
  case $argument in
    --all) is_all=true ;;
    --live) is_live=true ;;
    *)
      echo "unknown option $argument: known are --all and --live" >&2
      exit 2
      ;;
  esac
done
cd "$(dirname "$0")/../configs" || exit 1

failed=0
absent=()

# check <program> <what> <arguments …>
check() {
  local program=$1 what=$2
  shift 2
  if ! command -v "$program" >/dev/null; then
    absent+=("$program")
    return
  fi
  local output
  if output=$("$program" "$@" 2>&1); then echo "ok      $what"; else
    echo "FAILED  $what"
    # shellcheck disable=SC2001 # each line, not the first
    sed 's/^/        /' <<<"$output"
    failed=1
  fi
}

collector=otelcol-contrib
command -v "$collector" >/dev/null || collector=otelcol

check promtool prometheus/rules check rules prometheus/rules/recording.yml prometheus/rules/alerts.yml
check promtool prometheus/tests test rules prometheus/tests/*.test.yml
if promtool --version 2>&1 | grep -q 'version 2\.'; then
  echo "left    prometheus/prometheus.yml: promtool 2 does not know native histograms by job"
else
  check promtool prometheus/prometheus.yml check config prometheus/prometheus.yml
fi
check loki loki/loki.yml -config.file=loki/loki.yml -verify-config
check tempo tempo/tempo.yml -config.file=tempo/tempo.yml -config.verify=true
check alloy alloy/config.alloy validate alloy/config.alloy
check promtail promtail/promtail.yml -config.file=promtail/promtail.yml -check-syntax
check "$collector" otel/otel-collector.yml validate --config=otel/otel-collector.yml
# The plugin is not there wherever docker is.
if docker compose version >/dev/null 2>&1; then
  export DB_PASSWORD=checked GRAFANA_ADMIN_PASSWORD=checked
  check docker docker-compose.yml compose --file ../docker-compose.yml --env-file ../.env.example config --quiet
else
  absent+=(docker-compose)
fi

if [ "${#absent[@]}" -gt 0 ]; then
  echo "not installed: $(printf '%s\n' "${absent[@]}" | sort -u | paste -sd ' ')"
  if $is_all; then failed=1; fi
fi

if $is_live; then
  echo "live with $(prometheus --version 2>&1 | head -n 1)"
  cd .. || exit 1
  npm test --silent -- test/integration/configs test/integration/telemetry/metrics/prometheus.test.ts test/e2e/telemetry || failed=1
fi
exit "$failed"
