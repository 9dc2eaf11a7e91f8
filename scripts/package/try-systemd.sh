#!/bin/bash
# scripts/package/try-systemd.sh [file.deb]: installs the .deb where a systemd of its own runs, and sees that its service starts,
# refuses a wrong configuration, reloads, and is replaced under load without a failed request. The last line says how it went.
# For root on Debian with systemd, wrk, curl and cgroup version 2: the machine's files are seen through an overlay in memory, in
# namespaces of their own; nothing of it is left behind. Takes a minute.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
packages=(dist/neurabalancer_*.deb)
deb=$(realpath "${1:-${packages[-1]}}")
if [ ! -f "$deb" ]; then
  echo "try-systemd: there is no $deb: npm run package -- deb" >&2
  exit 1
fi
for program in systemd-analyze wrk curl unshare nsenter dpkg; do
  command -v "$program" >/dev/null || { echo "try-systemd: needs $program" >&2; exit 1; }
done

place=$(mktemp -d)
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || { echo "try-systemd: cgroup version 2 is mounted nowhere" >&2; exit 1; }
group=$cgroups/neurabalancer-try-$$
outer=
cleanup() {
  [ -z "$outer" ] || kill -KILL "$outer" 2>/dev/null # --kill-child: systemd goes with it
  wait 2>/dev/null
  for _ in $(seq 100); do rmdir "$group"/*/*/ "$group"/*/ "$group" 2>/dev/null; [ -d "$group" ] || break; sleep 0.1; done
  rm -rf "$place"
}
trap cleanup EXIT

# Process 1 of the namespaces.
cat >"$place/boot" <<'BOOT'
set -e
place=$1
mount --make-rprivate /
mount -t tmpfs tmpfs "$place"
mkdir "$place"/upper "$place"/work "$place"/root
mount -t overlay overlay -o lowerdir=/,upperdir="$place"/upper,workdir="$place"/work "$place"/root
ip link set lo up
cd "$place"/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name && mount --bind /dev/$name dev/$name; done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts devpts dev/pts
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
# Services of the machine are none of ours.
rm -rf etc/systemd/system/*.wants etc/rc?.d
for unit in getty.target systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service \
  systemd-remount-fs.service systemd-logind.service systemd-sysctl.service; do ln -sf /dev/null etc/systemd/system/$unit; done
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
export container=other
exec chroot . /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=false
BOOT

mkdir "$group" || exit 1
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup bash "$place/boot" "$place"
) >"$place.log" 2>&1 &
outer=$!
init=
for _ in $(seq 100); do
  init=$(pgrep -P "$outer" | head -n 1)
  [ -n "$init" ] && [ "$(nsenter -t "$init" -m -p -r -w systemctl is-system-running 2>/dev/null)" = running ] && break
  kill -0 "$outer" 2>/dev/null || break
  sleep 0.3
done
inside() { nsenter -t "$init" --mount --pid --root --wd --net --uts --ipc --cgroup "$@"; }
if ! inside systemctl is-system-running >/dev/null 2>&1; then
  echo "try-systemd: systemd did not start here: $(tail -n 3 "$place.log")" >&2
  rm -f "$place.log"
  exit 1
fi
rm -f "$place.log"

failed=0
check() { # check <what> <command …>
  local what=$1
  shift
  if "$@"; then echo "ok      $what"; else echo "FAILED  $what"; failed=$((failed + 1)); fi
}
not() { ! "$@"; }
settings=/etc/neurabalancer/neurabalancer.env
main_process() { inside systemctl show -p MainPID --value neurabalancer; }
answers() { [ "$(inside curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/)" = 200 ]; }
ended_well() {
  [ "$(inside systemctl show -p Result --value neurabalancer)" = success ] && return
  inside systemctl --no-pager -n 12 status neurabalancer
  return 1
}
install_it() { inside dpkg -i "/run/try.deb" >/dev/null 2>&1; }

inside sh -c 'cat >/run/try.deb' <"$deb"
check "installs" install_it
check "settings are for root and its group alone" [ "$(inside stat -c '%a %U:%G' $settings)" = "640 root:neurabalancer" ]
check "does not start without servers" not inside systemctl -q is-active neurabalancer
check "the service has no fault that systemd knows" inside systemd-analyze verify neurabalancer.service
inside systemd-analyze --no-pager security neurabalancer.service | tail -n 1
inside systemd-run -q --unit=try-server /usr/bin/neurabalancer backend --port 8001
inside sh -c "printf 'SERVERS=http://127.0.0.1:8001\nAPP_HOST=127.0.0.1\nAPP_PORT=80\nWORKERS=2\n' >>$settings"
check "starts, on a port below 1024" inside systemctl enable -q --now neurabalancer
check "answers" answers
first=$(main_process)
check "reloads" inside systemctl reload neurabalancer
inside sh -c "echo LB_STRATEGY=nonsense >>$settings"
check "a wrong configuration fails the reload" not inside systemctl reload neurabalancer 2>/dev/null
inside sed -i '/^LB_STRATEGY=nonsense$/d' $settings
check "and the instance goes on" [ "$(main_process)" = "$first" ]

inside wrk -t1 -c8 -d30s http://127.0.0.1/ >"$place/kept" 2>&1 &
load=$!
# shellcheck disable=SC2016 # the inner shell's
inside bash -c 'end=$((SECONDS + 30)) ok=0 bad=0
  while [ $SECONDS -lt $end ]; do curl -s -o /dev/null -m 20 http://127.0.0.1/ && ok=$((ok + 1)) || bad=$((bad + 1)); done
  echo "$ok $bad"' >"$place/new" &
fresh=$!
check "is installed again" install_it
check "another process is the service then" [ "$(main_process)" != "$first" ]
check "and the one before is gone" not inside test -d "/proc/$first"
wait "$load" "$fresh"
read -r ok bad <"$place/new"
echo "        while it was replaced: $(grep -o '[0-9]* requests in' "$place/kept") 30 s over kept connections, $ok over new ones, $bad of these failed"
check "no request failed" [ "$bad" = 0 ]
check "none over kept connections" not grep -qE 'Socket errors|Non-2xx' "$place/kept"
check "stops" inside systemctl stop neurabalancer
check "with success" ended_well
check "is purged" inside sh -c 'dpkg -P neurabalancer >/dev/null 2>&1'
check "with all that it kept" not inside test -e /var/lib/neurabalancer

echo "try-systemd: $failed failed"
[ "$failed" -eq 0 ]
