#!/usr/bin/env bash
# Runs the images that scripts/images/build.sh has built, without a container engine and as strictly as one would: each as user
# 65532 without any privilege, in a root file system that is read-only, with /tmp and /dev/shm writable and a volume. Namespaces of
# its own for mounts, network and processes, so nothing is left behind. Needs root, curl, iproute2 and util-linux.
# usage: try.sh [--directory DIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=${IMAGES_DIRECTORY:-/var/tmp/neurabalancer-images}
if [ "${1:-}" = --directory ]; then directory=${2:?--directory wants one}; fi
for kind in balancer backend ml; do
  [ -d "$directory/$kind/app" ] || {
    echo "try.sh: $directory has no image $kind: run scripts/images/build.sh first" >&2
    exit 2
  }
done
WORK=${NEURABALANCER_TRY:-}
if [ -z "$WORK" ]; then
  WORK=$(mktemp -d)
  export WORK
  trap 'rm -rf "$WORK"' EXIT
  node_modules/.bin/bun scripts/images/foreign-model.ts "$WORK/model"
  chmod -R a+rX "$WORK"
  NEURABALANCER_TRY=$WORK unshare --mount --net --pid --ipc --uts --fork --kill-child=KILL --mount-proc \
    bash scripts/images/try.sh --directory "$directory"
  exit
fi

ip link set lo up
passed=0
ok() {
  passed=$((passed + 1))
  echo "ok   $*"
}
bad() {
  echo "FAIL $*" >&2
  tail -n 20 "$WORK"/*.log >&2
  exit 1
}

# arguments_of <kind> <key>: what the image says, a line each. environment_of likewise.
arguments_of() { node -p "(JSON.parse(require('fs').readFileSync('$directory/$1.json', 'utf8')).$2 ?? []).join('\n')"; }

# contained <kind> <volume or -> [<variable>=<value> …] -- <command …>: runs it as an engine would. Does not return.
contained() {
  local kind=$1 volume=$2 variables=() root
  root=$(readlink -f "$directory/$1")
  shift 2
  mapfile -t variables < <(arguments_of "$kind" Env)
  while [ "$1" != -- ]; do
    variables+=("$1")
    shift
  done
  shift
  # shellcheck disable=SC2016 # these are the inner shell's
  exec unshare --mount bash -euc '
    root=$1 volume=$2
    shift 2
    mount --bind "$root" "$root"
    mount -t tmpfs -o mode=755,size=1m dev "$root/dev"
    for device in null zero random urandom; do
      touch "$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/shm"
    mount --bind "$WORK/shm" "$root/dev/shm"
    mount -t tmpfs -o mode=1777,size=16m tmp "$root/tmp"
    mount -t proc -o ro proc "$root/proc"
    [ "$volume" = - ] || mount --bind "$volume" "$root/var/lib/neurabalancer"
    [ ! -d "$root/app/models" ] || mount --bind "$WORK/model" "$root/app/models/prior"
    mount -o remount,bind,ro "$root"
    exec setpriv --no-new-privs env -i "$@"
  ' bash "$root" "$volume" "${variables[@]}" \
    /usr/bin/unshare --root "$root" --wd /app --setgid 65532 --setuid 65532 "$@"
}

# image <kind> <volume or -> [<variable>=<value> …]: its own entry point and command, in the background; its process is in $!.
image() {
  local kind=$1 command=()
  mapfile -t command < <(arguments_of "$kind" Entrypoint && arguments_of "$kind" Cmd)
  (contained "$@" -- "${command[@]}") >"$WORK/$kind.$((++started)).log" 2>&1 &
}

# command_in <kind> <volume or -> <variable …> -- <argument …>: `neurabalancer` beside it, as an engine's exec.
command_in() {
  local before=()
  while [ "$1" != -- ]; do
    before+=("$1")
    shift
  done
  (contained "${before[@]}" -- /usr/local/bin/neurabalancer "${@:2}")
}

# until_healthy <kind> <variable …>: by the health check of the image.
until_healthy() {
  local kind=$1 check=() tries=0
  shift
  mapfile -t check < <(arguments_of "$kind" Healthcheck.Test)
  until (contained "$kind" - "$@" -- "/usr/local/bin/${check[1]}" "${check[@]:2}") 2>"$WORK/health.log"; do
    [ $((++tries)) -lt 120 ] || bad "$kind is not healthy: $(cat "$WORK/health.log")"
    sleep 0.5
  done
}

started=0
umask 022
mkdir "$WORK/shm" "$WORK/data"
mount -t tmpfs -o mode=1777,size=64m shm "$WORK/shm"
# A volume takes owner and mode from the image.
chown --reference="$directory/balancer/var/lib/neurabalancer" "$WORK/data"
chmod --reference="$directory/balancer/var/lib/neurabalancer" "$WORK/data"

code=0
command_in backend - BACKEND_PORT=8001 -- healthcheck backend 2>"$WORK/health.log" || code=$?
if [ "$code" -ne 1 ] || ! grep -q 'connection refused' "$WORK/health.log"; then
  bad "a server that is not there is healthy ($code)"
fi
ok "health check of what does not run: exit code 1, $(cat "$WORK/health.log")"

image backend - BACKEND_PORT=8001 BACKEND_LATENCY_MS=2
image backend - BACKEND_PORT=8002 BACKEND_LATENCY_MS=8
until_healthy backend BACKEND_PORT=8001
until_healthy backend BACKEND_PORT=8002
ok "two servers of the backend image are healthy"

image ml -
until_healthy ml
scores=$(curl -sS --max-time 20 http://127.0.0.1:8081/predict --data-binary @- <<<"$(
  node -p 'JSON.stringify({ servers: [Object.fromEntries(JSON.parse(require("fs").readFileSync("models/prior/inference_features.json", "utf8")).map((name) => [name, 1]))] })'
)")
grep -Eq '"predictions":\[-?[0-9]' <<<"$scores" || bad "the model server answers $scores"
curl -sS http://127.0.0.1:8081/health | grep -vq degraded || bad "the model server has no model"
ok "the model server runs a model of onnxruntime's: $scores"

balancer=("SERVERS=http://127.0.0.1:8001,http://127.0.0.1:8002" LB_STRATEGY=ml MODEL_PATH=/app/models/prior INSTANCE_NAME=try
  HEALTH_CHECK_INTERVAL_SECONDS=0.5)
image balancer "$WORK/data" "${balancer[@]}"
pid=$!
until_healthy balancer "${balancer[@]}"
ok "the balancer is healthy"
tries=0
until command_in balancer - "${balancer[@]}" -- healthcheck --ready 2>/dev/null; do
  [ $((++tries)) -lt 120 ] || bad "the balancer is not ready"
  sleep 0.5
done
ok "and ready: health check --ready has exit code 0"

wrong=0
for _ in $(seq 300); do
  [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 20 http://127.0.0.1:8080/shop)" = 200 ] || wrong=$((wrong + 1))
done
[ "$wrong" -eq 0 ] || bad "$wrong of 300 requests failed"
ok "300 requests, 300 answers"
curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8090/ | grep -q 200 || bad "there is no page"
ok "the page is served"

main=$(pgrep -f 'src/main.ts serve$' | head -n 1)
status=$(cat "/proc/$main/status")
for line in '^Uid:\s+65532\s+65532' '^CapEff:\s+0+$' '^NoNewPrivs:\s+1$'; do
  grep -Eq "$line" <<<"$status" || bad "it does not run unprivileged: $status"
done
grep -Eq '^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / ro,' "/proc/$main/mountinfo" || bad "its root can be written"
ok "user 65532, no capabilities, no new privileges, a root that is read-only"
grep -l libonnxruntime /proc/[0-9]*/maps >/dev/null 2>&1 || bad "nobody has loaded onnxruntime"
curl -sS http://127.0.0.1:8090/api/v1/status | node -e '
  const { ml, degraded, workers } = JSON.parse(require("fs").readFileSync(0, "utf8"));
  console.log(JSON.stringify({ workers: workers.length, degraded, ml }).slice(0, 400));
  process.exit(ml !== null && degraded.length === 0 ? 0 : 1);
' || bad "the learner does not run as it should"
ok "ml balances, its model runs in onnxruntime, nothing is degraded"

kill -TERM "$main"
code=0
wait "$pid" || code=$?
[ "$code" -eq 0 ] || bad "SIGTERM: exit code $code"
ok "SIGTERM: exit code 0"
[ "$(stat -c %u "$WORK/data/history.db")" = 65532 ] || bad "nothing was kept in the volume"
command_in balancer "$WORK/data" "${balancer[@]}" -- stats --since 10m 2>/dev/null | grep -q 300 || bad "stats says nothing of 300 requests"
ok "the volume has what happened, and stats says it"
echo "$passed passed"
