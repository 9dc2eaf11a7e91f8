#!/bin/bash
# Waits until something answers: a port that takes connections, or a URL that answers with 2xx. Needs curl for URLs.
set -u

usage() {
  cat <<'END'
Usage: scripts/wait-for.sh [options] TARGET... [-- COMMAND ...]

Waits for every TARGET: HOST:PORT (something accepts connections there) or a URL (it answers with 2xx). Then runs COMMAND in
its own place, if there is one.

Options:
  --timeout SECONDS  for all of them together (default: 60); 0 = as long as it takes
  --interval SECONDS between two looks (default: 1)
  --quiet            say nothing unless it fails
  --help

Examples:
  scripts/wait-for.sh 127.0.0.1:5432 -- bin/neurabalancer migrate
  scripts/wait-for.sh --timeout 30 http://127.0.0.1:8080/health/ready

Exit codes: 0 all answer, 1 the time was over (standard error says who is missing and why), 2 wrong usage; else the command's
END
}

wrong() {
  echo "wait-for.sh: $1 (--help shows the options)" >&2
  exit 2
}

# Bash takes what the environment has under this name for where its clock stands.
SECONDS=0
timeout=60 interval=1 quiet=false targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --timeout | --interval)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      [[ $2 =~ ^[0-9]{1,6}$ ]] || wrong "$1 must be whole seconds, not $2"
      if [ "$1" = --timeout ]; then timeout=$((10#$2)); else interval=$((10#$2)); fi
      shift
      ;;
    --quiet) quiet=true ;;
    --help | -h) usage && exit 0 ;;
    --)
      shift
      [ $# -gt 0 ] || wrong "there is no command after --"
      break
      ;;
    -*) wrong "unknown option $1" ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[ "${#targets[@]}" -gt 0 ] || wrong "name what to wait for: HOST:PORT or a URL"
[ "$interval" -gt 0 ] || wrong "--interval must be at least 1"

readonly port_form='^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$' url_form='^https?://[^/]'
for target in "${targets[@]}"; do
  if [[ $target =~ $url_form ]]; then
    command -v curl >/dev/null || wrong "curl is not installed, which asks for $target"
  elif ! [[ $target =~ $port_form ]] || [ $((10#${BASH_REMATCH[2]})) -gt 65535 ]; then
    wrong "$target is neither HOST:PORT nor a URL"
  fi
done

# How long one look may take: a host that swallows packets must not eat the whole time.
look_seconds() {
  local left=5
  if [ "$timeout" -gt 0 ]; then
    left=$((timeout - SECONDS))
    if [ "$left" -gt 5 ]; then left=5; fi
    if [ "$left" -lt 1 ]; then left=1; fi
  fi
  echo "$left"
}

# answers <target>: 0 when it does; else why not is in $why.
answers() {
  local status
  if [[ $1 =~ $url_form ]]; then
    why=$(curl --disable --silent --show-error --globoff --noproxy '*' --max-time "$(look_seconds)" --output /dev/null \
      --write-out '%{http_code}' "$1" 2>&1)
    status=$?
    if [ "$status" -ne 0 ]; then why=${why%000} && return 1; fi
    if [[ $why == 2?? ]]; then return 0; fi
    why="it answers $why"
    return 1
  fi
  [[ $1 =~ $port_form ]]
  local host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  host=${host#[} host=${host%]}
  # A shell of its own opens the connection, so that it can be given up.
  # shellcheck disable=SC2016 # its arguments, not ours
  why=$(timeout "$(look_seconds)" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$((10#$port))" 2>&1) && return 0
  why=${why##*: }
  why=${why:-it does not answer}
  return 1
}

for target in "${targets[@]}"; do
  until answers "$target"; do
    pause=$interval
    if [ "$timeout" -gt 0 ]; then
      left=$((timeout - SECONDS))
      if [ "$left" -le 0 ]; then
        echo "wait-for.sh: $target is not there after $timeout s: ${why%%$'\n'*}" >&2
        exit 1
      fi
      if [ "$pause" -gt "$left" ]; then pause=$left; fi
    fi
    sleep "$pause"
  done
  $quiet || echo "$target answers after $SECONDS s" >&2
done
if [ $# -gt 0 ]; then exec "$@"; fi
