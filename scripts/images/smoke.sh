#!/usr/bin/env bash
# Runs the three images together as they are meant to run (their own user, a read-only root, no capability), waits until each
# calls itself healthy, sends requests through, and stops them. Whatever happens, it removes what it started.
#
#   scripts/images/smoke.sh BALANCER BACKEND ML [VERSION]
#
# BALANCER, BACKEND and ML are images that Docker has or can pull; with VERSION their label must say it. Needs Docker, curl and jq.
# Exit code 0: all of it went well; 1: standard error says what did not, with the logs of all three; 2: wrong usage.
set -euo pipefail

readonly HEALTHY_SECONDS=120 REQUESTS=50

if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  echo "usage: scripts/images/smoke.sh BALANCER BACKEND ML [VERSION]" >&2
  exit 2
fi
declare -rA IMAGES=([load-balancer]=$1 [backend]=$2 [model-server]=$3)
readonly NAMES=(backend model-server load-balancer) VERSION=${4:-}
readonly RUN="neurabalancer-smoke-$$"

clean_up() {
  local code=$? name
  for name in "${NAMES[@]}"; do
    if [ "$code" -ne 0 ] && docker container inspect "$RUN-$name" >/dev/null 2>&1; then
      echo "── logs of $name" >&2
      docker logs --tail 50 "$RUN-$name" >&2 || true
    fi
    docker rm --force --volumes "$RUN-$name" >/dev/null 2>&1 || true
  done
  docker network rm "$RUN" >/dev/null 2>&1 || true
}
trap clean_up EXIT

fail() {
  echo "$1" >&2
  exit 1
}

# begin <name> <options of docker run …>
begin() {
  local name=$1
  shift
  docker run --detach --name "$RUN-$name" --network "$RUN" --network-alias "$name" --read-only --cap-drop ALL \
    --security-opt no-new-privileges --tmpfs /tmp --shm-size 256m --memory 1g --pids-limit 512 "$@" "${IMAGES[$name]}" >/dev/null
}

# wait_healthy <name>: until the image's own check says so.
wait_healthy() {
  local name=$1 state until=$((SECONDS + HEALTHY_SECONDS))
  while true; do
    state=$(docker inspect --format '{{.State.Status}} {{.State.Health.Status}}' "$RUN-$name")
    case $state in
      "running healthy") break ;;
      running*) ;;
      *) fail "$name has ended: $state" ;;
    esac
    [ "$SECONDS" -lt "$until" ] || fail "$name is not healthy after $HEALTHY_SECONDS seconds: $state: $(last_check "$name")"
    sleep 1
  done
  echo "$name is healthy"
}

last_check() {
  docker inspect --format '{{json .State.Health.Log}}' "$RUN-$1" | jq -r '.[-1].Output // "no check has ended"'
}

for name in "${NAMES[@]}"; do
  image=${IMAGES[$name]}
  docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null
  user=$(docker image inspect --format '{{.Config.User}}' "$image")
  [ "$user" = 65532:65532 ] || fail "$image runs as user '$user', not as 65532:65532"
  label=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.version"}}' "$image")
  [ -z "$VERSION" ] || [ "$label" = "$VERSION" ] || fail "$image says that it is version '$label', not '$VERSION'"
done

docker network create "$RUN" >/dev/null
begin backend
begin model-server
wait_healthy backend
wait_healthy model-server
begin load-balancer --publish 127.0.0.1::8080 --env SERVERS=http://backend:8001 --env LB_STRATEGY=ml \
  --env ML_MODEL_ENDPOINT=http://model-server:8081
wait_healthy load-balancer

address=$(docker port "$RUN-load-balancer" 8080/tcp | head -n 1)
curl --fail --silent --show-error --max-time 10 "http://$address/health/ready" >/dev/null || fail "the balancer is not ready"
for _ in $(seq "$REQUESTS"); do
  curl --fail --silent --show-error --max-time 10 "http://$address/hello" >/dev/null || fail "a request failed"
done
served=$(curl --fail --silent --show-error --max-time 10 "http://$address/_stats" | jq '.served')
[ "${served:-0}" -ge "$REQUESTS" ] || fail "the backend served $served requests, not $REQUESTS"
echo "$REQUESTS requests were answered"

for name in load-balancer model-server backend; do
  docker stop -t 40 "$RUN-$name" >/dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$RUN-$name")
  [ "$code" -eq 0 ] || fail "$name ended with exit code $code when it was stopped"
done
echo "all stopped by themselves"
