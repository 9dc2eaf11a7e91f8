#!/usr/bin/env bash
# Runs the stack of docker-compose.yml as far as that goes without a container engine: the balancer, the three servers for trials,
# the model server, PostgreSQL and Redis. Ours get exactly the environment and the user that their containers get, with an untouched
# copy of .env.example and two passwords, and no capability; names, ports and directories are those of the services, in a network
# and a view of the file system of their own. Nothing of it reaches this machine's network or outlives the script.
#
# Needs root (for the namespaces), Node.js, unshare, setpriv, ip, curl, psql, PostgreSQL's server, redis-server, and
# `npm run build:compose`. Takes some twenty seconds. The last line is "N passed, N failed", and the exit code says the same.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
root=$PWD

if [ "${TRY_STACK:-}" != inside ]; then
  for program in unshare setpriv ip curl psql redis-server node node_modules/.cache/compose-parser; do
    command -v "$program" >/dev/null || { echo "try-stack.sh: $program is missing; the head of this file says what is needed" >&2 && exit 1; }
  done
  [ "$(id -u)" -eq 0 ] || { echo "try-stack.sh: only root may make the namespaces" >&2 && exit 1; }
  # All processes end with the first of the namespace.
  TRY_STACK=inside exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0"
fi

postgres=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres" ] || { echo "try-stack.sh: there is no server of PostgreSQL below /usr/lib/postgresql" >&2 && exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
passed=0
failed=0

# expect <what> <command …>: tried for a minute.
expect() {
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@" >"$work/said" 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then
      failed=$((failed + 1))
      echo "FAILED  $what"
      sed 's/^/        /' "$work/said" | tail -n 20
      return
    fi
    sleep 0.5
  done
  passed=$((passed + 1))
  echo "ok      $what"
}

# What Docker Compose makes of it.
mkdir "$work/project"
cp docker-compose.yml "$work/project/"
{
  cat .env.example
  printf 'DB_PASSWORD=of-the-trial\nGRAFANA_ADMIN_PASSWORD=of-the-trial\n'
} >"$work/project/.env"
node_modules/.cache/compose-parser "$work/project" >"$work/model.json" || exit 1

# of <service> environment|command: its words, each ended by a zero byte.
of() {
  # shellcheck disable=SC2016 # of JavaScript
  node -e 'const [file, name, key] = process.argv.slice(1);
    const found = JSON.parse(require("fs").readFileSync(file)).services[name][key] ?? [];
    const words = Array.isArray(found) ? found : Object.entries(found).map((pair) => pair.join("="));
    for (const word of words) process.stdout.write(`${word}\0`);' "$work/model.json" "$1" "$2"
}

# as <service> <user> <command …>: with its environment and nothing else, without any capability. $by comes before the command.
as() {
  local service=$1 user=$2 environment
  shift 2
  mapfile -d '' -t environment < <(of "$service" environment)
  ${by:-} setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all \
    env -i PATH="$PATH" "${environment[@]}" "$@"
}

# start <service> <user> <command …>: $! is the program's own id.
start() {
  by='exec' as "$@" >"$work/$1.log" 2>&1 &
}

# The names of services; directories of volumes, with the owners that Docker takes from the images.
ip link set lo up
echo "127.0.0.1 localhost load-balancer backend-1 backend-2 backend-3 model-server postgres redis otel-collector" >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
for place in /var/lib /var/log /srv; do mount -t tmpfs -o mode=0755 none "$place"; done
install -d -o 65532 -g 65532 -m 0700 /var/lib/neurabalancer
install -d -o 65532 -g 65532 -m 0750 /var/log/neurabalancer
database=$(id -u postgres 2>/dev/null || id -u nobody)
install -d -o "$database" -m 0700 /srv/postgres
install -d -m 1777 /srv/redis
echo of-the-trial >"$work/password"
chmod 644 "$work/password"
cd "$root" || exit 1

setpriv --reuid "$database" --regid "$database" --clear-groups "${postgres%/*}/initdb" --pgdata /srv/postgres/data \
  --username postgres --auth scram-sha-256 --pwfile "$work/password" >/dev/null || exit 1
start postgres "$database" "$postgres" -D /srv/postgres/data -k /srv/postgres
sql() { PGPASSWORD=of-the-trial psql -X -q -h postgres -U postgres -A -t "$@"; }
expect "postgres takes the password of .env" sql -c 'CREATE DATABASE neurabalancer'
mapfile -d '' -t command < <(of redis command)
start redis 65532 env --chdir=/srv/redis "${command[@]}"
expect "redis takes the arguments of the stack" redis-cli -h redis ping

for number in 1 2 3; do start "backend-$number" 65532 bin/neurabalancer backend; done
start model-server 65532 bin/neurabalancer model-server
for number in 1 2 3; do expect "backend-$number is healthy" as "backend-$number" 65532 bin/neurabalancer healthcheck backend; done
expect "model-server is healthy" as model-server 65532 bin/neurabalancer healthcheck model-server
expect "model-server has the model that is mounted" bash -c 'curl -s http://model-server:8081/health | grep -q "\"model_loaded\":true"'

expect "the configuration of load-balancer can be used" as load-balancer 65532 bin/neurabalancer check
start load-balancer 65532 bin/neurabalancer serve
balancer=$!
expect "load-balancer is ready" as load-balancer 65532 bin/neurabalancer healthcheck --ready
answered() {
  local number
  for number in $(seq 60); do curl -s --max-time 10 http://load-balancer:8080/; done >"$work/answers"
  for number in 1 2 3; do grep -q "\"instance\":\"backend-$number\"" "$work/answers" || return 1; done
}
expect "all three servers answer" answered
expect "commands in the container reach the instance" as load-balancer 65532 bin/neurabalancer servers list
kept() { [ "$(sql neurabalancer -c 'SELECT count(*) FROM requests')" -gt 0 ]; }
expect "requests are kept in the database" kept
may_read() { setpriv --reuid 473 --regid 473 --groups 65532 --bounding-set=-all grep -q '"trace_id"' /var/log/neurabalancer/access.log; }
expect "the access log is written, and the user of alloy may read it" may_read
kill -TERM "$balancer"
expect "load-balancer ends in order when it is told to" wait "$balancer"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
