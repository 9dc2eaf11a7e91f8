#!/bin/sh
# systemctl reload neurabalancer: the instance reads its configuration again. Where the program was replaced since it started,
# as by an upgrade, the new one takes over from it instead: no connection is refused.
# MAINPID is the instance; arguments are those of "neurabalancer serve". Fails, and says why, where the configuration is wrong or
# the new program does not become ready; the instance goes on then.

root=$(cd "$(dirname "$0")/../.." && pwd -P) || exit 1
program=$root/bin/neurabalancer

say() { echo "neurabalancer reload: $*" >&2; }

case ${MAINPID:-} in
  '' | *[!0-9]*)
    say "MAINPID names no process: this is run by systemd, as ExecReload of neurabalancer.service"
    exit 1
    ;;
esac

# What is wrong is on standard error; all settings need not stand in the journal.
"$program" check "$@" >/dev/null || exit 1

# The file of Bun that runs, against the one that would be run: a replaced one has another number.
running=$(stat -Lc %d:%i "/proc/$MAINPID/exe" 2>/dev/null)
installed=
for bun in "$root/node_modules/.bin/bun" "$root/../.bin/bun"; do
  [ -x "$bun" ] && installed=$(stat -Lc %d:%i "$bun") && break
done
if [ -z "$running" ] || [ "$running" = "$installed" ]; then
  exec kill -HUP "$MAINPID"
fi

# It is no child of this script: what is a child of anybody but systemd when it becomes the service's process, systemd does not
# wait for when it stops it.
exec 3>&1
next=$("$program" serve "$@" --take-over >&3 3>&- & echo $!)
exec 3>&-
# The one before ends once the new one serves and the requests that it had are done.
while kill -0 "$MAINPID" 2>/dev/null; do
  if ! kill -0 "$next" 2>/dev/null; then
    say "the new version did not take over: process $MAINPID goes on; what is wrong stands above"
    exit 1
  fi
  sleep 0.2
done
kill -0 "$next" 2>/dev/null || { say "neither the instance nor the one that was to take over runs"; exit 1; }
