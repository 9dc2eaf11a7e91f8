#!/bin/bash
# Puts a model where running instances read it, and takes it back when one of them does not serve by it.
#
# In the directory that MODEL_PATH names the three files become links through .current, which is replaced by one rename(2): a
# reader sees the old model or the new one, never files of both. The former models stay beside it, in .models.
set -uo pipefail

usage() {
  cat <<'END'
Usage: scripts/deploy_model.sh [options] MODEL
       scripts/deploy_model.sh [options] --rollback

Checks MODEL (a directory with load_balancer.onnx, scaler.json and inference_features.json) as an instance would, puts it where
instances read it, has them read it, and asks each whether it serves by it. When one does not, the model before comes back.

Options:
  --to DIR            what MODEL_PATH of the instances names, as this machine sees it (default: MODEL_PATH)
  --model-server URL  a model server that reads it; may be repeated (default: http://127.0.0.1:8081, unless --admin is given)
  --admin URL         admin port of a balancer that reads it itself; may be repeated. NEURABALANCER_TOKEN is its token
  --no-instance       nobody runs yet: only check the model and put it there
  --rollback          put the model there that was there before
  --timeout SECONDS   until every instance serves by it (default: 60)
  --keep N            former models that are kept for the way back (default: 5)
  --help

Exit codes:
  0  every instance serves by the model
  1  nothing was changed: the model cannot serve, an instance cannot be reached, the directory cannot be written
  2  wrong usage
  3  an instance did not take the model: the one before is back, and every instance serves by it
  4  as 3, but not every instance confirms that it serves by the former one: look at it
Needs curl, GNU's coreutils, and flock of util-linux.
END
}

# What instances answer is repeated, and nothing of it may reach a terminal as a command.
say() { printf 'deploy_model.sh: %s\n' "$1" | tr '\000-\011\013-\037\177' '?' >&2; }
wrong() {
  say "$1 (--help shows the options)"
  exit 2
}
refuse() {
  say "$1; nothing was changed"
  exit 1
}

# Who reads what is said may go first (Ctrl-C ends "| tee", too): the former model comes back all the same.
trap '' PIPE
# "neurabalancer models" asks instances directly, as curl does below.
export no_proxy='*' NO_PROXY='*'

readonly FILES=(inference_features.json scaler.json load_balancer.onnx)
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P) || exit 1
product=$root/bin/neurabalancer
[ -x "$product" ] || product=neurabalancer

model='' target=${MODEL_PATH:-} servers=() admins=() alone=false rollback=false timeout=60 keep=5
while [ $# -gt 0 ]; do
  case $1 in
    --to | --model-server | --admin | --timeout | --keep) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
  esac
  case $1 in
    --to) target=$2 && shift ;;
    --model-server) servers+=("${2%/}") && shift ;;
    --admin) admins+=("${2%/}") && shift ;;
    --timeout) timeout=$2 && shift ;;
    --keep) keep=$2 && shift ;;
    --no-instance) alone=true ;;
    --rollback) rollback=true ;;
    --help | -h)
      usage
      exit 0
      ;;
    -*) wrong "unknown option $1" ;;
    *)
      [ -z "$model" ] || wrong "one model at a time: $model or $1"
      model=$1
      ;;
  esac
  shift
done
[[ $timeout =~ ^[1-9][0-9]{0,4}$ ]] || wrong "--timeout must be whole seconds above 0, not $timeout"
[[ $keep =~ ^[1-9][0-9]{0,2}$ ]] || wrong "--keep must be a whole number above 0, not $keep"
if $rollback; then [ -z "$model" ] || wrong "--rollback takes no model"; else [ -n "$model" ] || wrong "name a model"; fi
[ -n "$target" ] || wrong "MODEL_PATH is not set: say with --to where instances read their model"
[ -z "${SCALER_PATH:-}" ] || wrong "SCALER_PATH is set: a model is exchanged as one directory, so unset it and use scaler.json"
for url in "${servers[@]}" "${admins[@]}"; do
  [[ $url =~ ^https?://[^/] ]] || wrong "$url is no URL such as http://127.0.0.1:8081"
done
if $alone; then
  [ $((${#servers[@]} + ${#admins[@]})) -eq 0 ] || wrong "--no-instance names none: leave out --model-server and --admin"
elif [ $((${#servers[@]} + ${#admins[@]})) -eq 0 ]; then servers=(http://127.0.0.1:8081); fi
# A name that begins with "-" is no option of the programs below.
case $target in -*) target=./$target ;; esac
if [ "$(basename "$target")" = load_balancer.onnx ]; then target=$(dirname "$target"); fi
case $target in *.onnx) wrong "$target is a file of another name than load_balancer.onnx: let MODEL_PATH name a directory" ;; esac
for program in curl flock; do command -v "$program" >/dev/null || wrong "$program is not installed"; done

# fetch <curl's arguments …>: the answer on standard output; fails, with what curl says, where there is none or no 2xx. A user's
# .curlrc and proxies are for other things.
fetch() {
  curl --disable --silent --show-error --fail-with-body --globoff --noproxy '*' --max-time "$((timeout < 30 ? timeout : 30))" "$@" 2>&1
}

# text <name>: that text of the flat JSON on standard input; nothing where it is null.
text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# of_server <URL>: the fingerprint of the model that it serves by, or nothing; fails, with the reason, when it does not answer.
of_server() {
  local answer
  answer=$(fetch "$1/version") || { echo "${answer:-no answer}" && return 1; }
  text model_fingerprint <<<"$answer"
}

# of_balancer <URL>: the same of a balancer: of every pool that routes by MODEL_PATH, one line each where they differ.
of_balancer() {
  local answer
  answer=$("$product" models serving --admin "$1" 2>&1) || { echo "$answer" && return 1; }
  awk 'NR > 1 && $2 == "file" { found = 1; if ($4 != "-") print $4 }
    END { if (!found) { print "no pool of it routes by MODEL_PATH"; exit 1 } }' <<<"$answer" | sort -u
}

# has_read <of_server|of_balancer> <URL> <fingerprint>: waits until it serves by that; else says why not in $why.
has_read() {
  local ask=$1 url=$2 wanted=$3 answer found end=$((SECONDS + timeout))
  if [ "$ask" = of_server ] && ! answer=$(fetch --request POST "$url/reload"); then
    why="$url does not take it: ${answer:-no answer}"
    return 1
  fi
  # Balancers look at the files every second by themselves.
  while ! { found=$("$ask" "$url") && [ "$found" = "$wanted" ]; }; do
    if [ "$SECONDS" -ge "$end" ]; then
      why="$url serves by ${found:-no model} and not by $wanted: does its MODEL_PATH name this directory?"
      [ "$ask" = of_server ] || why+=$'\n'$("$product" models serving --admin "$url" 2>&1)
      return 1
    fi
    sleep 0.5
  done
  [ "$ask" = of_server ] || return 0
  # And scores come out of it.
  if ! answer=$(fetch --data '{"servers":[{"active_conns":1},{"active_conns":9}]}' "$url/predict"); then
    why="$url serves by $wanted and gives no scores: ${answer:-no answer}"
    return 1
  fi
}

# everyone_has <name of an array of fingerprints, one for each instance, empty = anything will do>
everyone_has() {
  local -n wanted_of=$1
  local i=0 url all=0
  for url in "${servers[@]}"; do
    [ -z "${wanted_of[i]}" ] || has_read of_server "$url" "${wanted_of[i]}" || { problems+=("$why") && all=1; }
    i=$((i + 1))
  done
  for url in "${admins[@]}"; do
    [ -z "${wanted_of[i]}" ] || has_read of_balancer "$url" "${wanted_of[i]}" || { problems+=("$why") && all=1; }
    i=$((i + 1))
  done
  return "$all"
}

# point <link> <to>: replaces a link at once, whoever reads it meanwhile.
point() { ln -sfn "$2" "$target/$1.new" && mv -fT "$target/$1.new" "$target/$1"; }

# version_of <directory>: the fingerprint of the model there, or nothing where it cannot serve.
version_of() { "$product" models check --json "$1" 2>/dev/null | version_in; }
version_in() { sed -n 's/^ *"version": "\([0-9a-f]*\)".*/\1/p'; }

# stage <directory> <name> [fingerprint]: a copy of its three files as .models/<name>, there as a whole, and the model of that
# fingerprint, or not at all: why not is in $why.
stage() {
  local file staging=$target/.models/.staging
  rm -rf "$staging"
  why="cannot be copied to $target/.models"
  if ! mkdir -p "$staging" || ! chmod 0755 "$target/.models" "$staging"; then return 1; fi
  for file in "${FILES[@]}"; do
    if [ -e "$1/$file" ] && ! install -m 0644 "$1/$file" "$staging/$file"; then
      rm -rf "$staging"
      return 1
    fi
  done
  if [ -n "${3:-}" ] && [ "$(version_of "$staging")" != "$3" ]; then
    why="is another model now than the $3 that was checked: somebody writes there"
    rm -rf "$staging"
    return 1
  fi
  rm -rf "$target/.models/${2:?}" && mv -T "$staging" "$target/.models/$2"
}

# has_files: one of a model's files is there.
has_files() {
  local file
  for file in "${FILES[@]}"; do if [ -e "$target/$file" ]; then return 0; fi; done
  return 1
}

# is_there: the files that instances read are those of the model already.
is_there() {
  local file
  for file in "${FILES[@]}"; do cmp -s "$model/$file" "$target/$file" || return 1; done
}

# link_files: the files that instances read become links through .current. The ONNX file is the last.
link_files() {
  local file
  for file in "${FILES[@]}"; do
    if [ "$(readlink "$target/$file")" != ".current/$file" ]; then point "$file" ".current/$file" || return 1; fi
  done
}

# ── before anything is changed ──

if [ ! -d "$target" ]; then mkdir -m 0755 "$target" 2>/dev/null || refuse "$target is no directory and cannot be made one"; fi
[ -w "$target" ] || refuse "$target cannot be written by $(id -un)"
exec 9>"$target/.lock" || refuse "$target cannot be written"
flock -n 9 || refuse "another model is being put to $target at this moment"

if $rollback; then
  model=$(readlink -f "$target/.previous")
  [ -d "$model" ] || refuse "no model is known that was in $target before"
fi
[ "$(readlink -f "$model")" != "$(readlink -f "$target")" ] || refuse "$model is where instances read already"
[ -d "$model" ] || refuse "$model is no directory with a model"
checked=$("$product" models check --json "$model" 2>&1) || refuse "${checked#neurabalancer: }"
new=$(version_in <<<"$checked")
[ -n "$new" ] || refuse "\"neurabalancer models check\" answers without a version: $checked"

before=() after=()
for url in "${servers[@]}"; do
  found=$(of_server "$url") || refuse "the model server $url cannot be asked: $found"
  before+=("$found") after+=("$new")
done
for url in "${admins[@]}"; do
  found=$(of_balancer "$url") || refuse "the balancer $url cannot be asked: ${found#neurabalancer: }"
  before+=("$found") after+=("$new")
done

# ── what is there now can come back ──

stamp=$(date -u +%Y%m%dT%H%M%SZ)-$$

old=''
if [ -L "$target/.current" ]; then old=$(basename "$(readlink "$target/.current")"); fi
if [ -z "$old" ] && has_files; then
  # Files that nobody linked yet: their copies get the links, which changes nothing for who reads them.
  old=$(version_of "$target")
  old=${old:-unusable}-$stamp
  if ! stage "$target" "$old" || ! point .current ".models/$old"; then
    rm -rf "$target/.models/$old"
    refuse "what is in $target cannot be copied to $target/.models"
  fi
fi
if [ -n "$old" ]; then link_files || { say "the files in $target cannot be replaced by links"; exit 1; }; fi

problems=()
# go_back: the model before comes back, and says so. Never returns.
go_back() {
  trap '' HUP INT TERM
  local problem
  for problem in "${problems[@]}"; do say "$problem"; done
  if [ -n "$old" ]; then
    point .current ".models/$old" || { say "$target/.current cannot be put back to .models/$old: do so by hand"; exit 4; }
  else rm -f "$target/.current" "${FILES[@]/#/$target/}"; fi
  if [ "$name" != "$old" ]; then rm -rf "$target/.models/.staging" "$target/.models/${name:?}"; fi
  problems=()
  if everyone_has before; then
    say "$new was taken back: ${old:-no model} is in $target as before"
    exit 3
  fi
  for problem in "${problems[@]}"; do say "$problem"; done
  say "$new was taken back: ${old:-no model} is in $target as before, but not every instance confirms it"
  exit 4
}

# ── the change, and who takes it ──

name=$old
is_there || name=$new-$stamp
trap 'problems=("interrupted"); go_back' HUP INT TERM
if [ "$name" != "$old" ]; then
  stage "$model" "$name" "$new" || refuse "$model $why"
  if ! point .current ".models/$name" || ! link_files; then
    problems=("the links in $target cannot be written") && go_back
  fi
fi
everyone_has after || go_back
trap '' HUP INT TERM

# ── done: what is older than the way back goes ──

if [ -n "$old" ] && [ "$old" != "$name" ] && ! point .previous ".models/$old"; then
  say "$target/.previous cannot be written: --rollback does not know of .models/$old"
fi
find "$target/.models" -mindepth 1 -maxdepth 1 ! -name "$name" ! -name "${old:-$name}" -printf '%T@ %f\0' | sort -zrn |
  tail -z -n "+$keep" | while read -rd '' _ former; do rm -rf "$target/.models/${former:?}"; done
if $alone; then say "$new is in $target"; else
  say "$new is in $target, and $((${#servers[@]} + ${#admins[@]})) instance(s) serve by it"
fi
