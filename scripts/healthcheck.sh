#!/bin/sh
# Says whether a running instance is healthy, for people and for cron. Needs curl alone.
set -u

usage() {
  cat <<'END'
Usage: scripts/healthcheck.sh [options]

Asks an instance whether it lives, is ready, and which of its servers are well.

Options:
  --url URL          the instance (default: http://127.0.0.1:8080, or port APP_PORT); its admin port will do, too
  --min-healthy N    so many healthy servers are enough (default: 1); "all" = none may be missing
  --stack            also ask what docker-compose.yml has beside it, at the ports that it publishes on this machine
  --timeout SECONDS  for each question (default: 5)
  --cacert FILE      authorities for an https URL
  --insecure         take any certificate
  --quiet            say nothing while all is well, as cron wants it
  --help

Exit codes: 0 healthy, 1 not (standard error says why), 2 wrong usage or no curl
In a container without a shell, ask "neurabalancer healthcheck" instead.
END
}

wrong() {
  echo "healthcheck.sh: $1 (--help shows the options)" >&2
  exit 2
}

url=http://127.0.0.1:${APP_PORT:-8080} least=1 stack=false timeout=5 quiet=false cacert='' insecure=false

while [ $# -gt 0 ]; do
  case $1 in
    --url | --min-healthy | --timeout | --cacert) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
  esac
  case $1 in
    --url) url=${2%/} && shift ;;
    --min-healthy) least=$2 && shift ;;
    --timeout) timeout=$2 && shift ;;
    --cacert) cacert=$2 && shift ;;
    --stack) stack=true ;;
    --insecure) insecure=true ;;
    --quiet) quiet=true ;;
    --help | -h) usage && exit 0 ;;
    *) wrong "unknown option $1" ;;
  esac
  shift
done
case $url in http://?* | https://?*) ;; *) wrong "--url must be a URL such as http://127.0.0.1:8080, not $url" ;; esac
case $least in all) ;; '' | *[!0-9]* | ??????*) wrong "--min-healthy must be a whole number or \"all\", not $least" ;; esac
case $timeout in '' | *[!0-9]* | ????* | 0) wrong "--timeout must be whole seconds from 1 to 999, not $timeout" ;; esac
command -v curl >/dev/null || wrong "curl is not installed"

failed=0
well() { $quiet || echo "ok      $1"; }
bad() {
  echo "FAILED  $1" >&2
  failed=1
}

# ask <URL>: leaves the answer in $body and its status in $status, 000 with curl's own words in $body when there is none.
# The user's .curlrc and proxies are for other things than the instance. Of an answer without end the end is kept.
ask() {
  set -- --disable --silent --show-error --globoff --noproxy '*' --max-time "$timeout" --write-out '\n%{http_code}' "$1"
  $insecure && set -- --insecure "$@"
  [ -n "$cacert" ] && set -- --cacert "$cacert" "$@"
  answer=$(curl "$@" 2>&1 | tail -c 1000000 | tr -d '\000')
  status=${answer##*
}
  body=${answer%
*}
}

# said: what is in $body, as far as it may be shown: no more than a few lines of it, and nothing that a terminal would obey.
said() { printf '%s' "$body" | tr '\000-\011\013-\037\177' '?' | cut -c 1-300 | head -n 5; }

# number <name>: that number of the JSON in $body, which is our own and has it once at the top; nothing where it is none.
number() { printf '%s\n' "$body" | sed -n "s/^{[^{}]*\"$1\":\([0-9]\{1,9\}\)[^0-9].*/\1/p" | head -n 1; }

# Which servers are not well, and why: only where the instance tells (FLEET_STATUS, tokens of the admin port).
say_servers() {
  ask "$url/api/v1/servers"
  [ "$status" = 200 ] || return 0
  printf '%s\n' "$body" | sed 's/{"id":/\n&/g' |
    sed -n 's/.*"url":"\([^"]*\)".*"alive":false,"state":"\([^"]*\)","reason":"\([^"]*\)".*/        \1 is \2: \3/p' >&2
}

ask "$url/health/live"
case $status in
  200) well "$url lives" ;;
  000) bad "$url does not answer: $(said)" ;;
  *) bad "$url/health/live answers $status: is that a NeuraBalancer?" ;;
esac

if [ "$failed" -eq 0 ]; then
  ask "$url/health/ready"
  total=$(number total) healthy=$(number healthy)
  if [ -z "$total" ] || [ -z "$healthy" ]; then
    bad "$url/health/ready answers $status without saying how many servers are healthy: $(said)"
  else
    if [ "$least" = all ]; then wanted=$total; else wanted=$least; fi
    what="$healthy of $total servers healthy"
    if [ "$status" != 200 ]; then
      bad "$url is not ready (status $status), $what"
    elif [ "$healthy" -lt "$wanted" ]; then
      bad "$url is ready, but $what, and $wanted are wanted"
    else
      well "$url is ready, $what"
    fi
    if [ "$healthy" -lt "$total" ] && { ! $quiet || [ "$failed" -eq 1 ]; }; then say_servers; fi
  fi
fi

# service <name> <URL> [what must be in the answer]
service() {
  ask "$2"
  case $status in
    2??)
      case $body in
        *"${3:-}"*) well "$1" ;;
        *) bad "$1: $2 answers $(said)" ;;
      esac
      ;;
    000) bad "$1 does not answer: $(said)" ;;
    *) bad "$1: $2 answers $status: $(said)" ;;
  esac
}

if $stack; then
  for number in 1 2 3; do service "backend-$number" "http://127.0.0.1:800$number/health"; done
  service model-server http://127.0.0.1:8081/health '"model_loaded":true'
  service prometheus http://127.0.0.1:9090/-/ready
  service grafana http://127.0.0.1:3000/api/health
  service loki http://127.0.0.1:3100/ready
  service tempo http://127.0.0.1:3200/ready
fi
exit "$failed"
