#!/usr/bin/env bash
# Shows the main job on examples/homelab: a git repository in, a real dnsmasq serving a real TFTP
# tree out, kept converged. Everything lies in one temporary folder and in a network namespace of
# its own (dnsmasq has no option for another TFTP port than 69), and is gone afterwards.
#   examples/demo.sh PATH-TO-METALWRIGHT
set -euo pipefail

program=$(realpath "${1:?name the program: examples/demo.sh build/metalwright}")
examples=$(dirname "$(realpath "$0")")

# A namespace makes port 69 free for everybody, root or not. Whoever is not root keeps the
# capabilities that the namespace gives, so that dnsmasq need not change users.
if [ "${METALWRIGHT_DEMO:-}" != inside ]; then
  export METALWRIGHT_DEMO=inside
  if [ "$(id -u)" = 0 ]; then
    if unshare --net true 2>/dev/null; then exec unshare --net "$0" "$program"; fi
    echo "note: network namespaces are not allowed here; dnsmasq serves on 127.0.0.1 port 69"
  elif unshare --user --map-current-user --keep-caps --net true 2>/dev/null; then
    exec unshare --user --map-current-user --keep-caps --net "$0" "$program"
  else
    echo "this host allows no network namespaces to users: run 'sudo make demo'" >&2
    exit 1
  fi
fi

export PATH="$PATH:/usr/sbin:/sbin"
ip link set lo up 2>/dev/null || true
work=$(mktemp -d "${TMPDIR:-/tmp}/metalwright-demo.XXXXXX")
loop_pid=

cleanup() {
  status=$?
  if [ -n "$loop_pid" ]; then kill "$loop_pid" 2>/dev/null || true; wait "$loop_pid" 2>/dev/null || true; fi
  if [ -s "$work/dnsmasq.pid" ]; then kill "$(cat "$work/dnsmasq.pid")" 2>/dev/null || true; fi
  if [ "$status" != 0 ] && [ -s "$work/reconcile.log" ]; then tail -n 20 "$work/reconcile.log" >&2; fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
run() { printf '%s$ metalwright %s%s\n' "$bold" "$*" "$plain"; "$program" -c "$work/metalwright.yaml" "$@"; }
fail() { echo "demo: $1" >&2; exit 1; }
# Waits up to ten seconds for a condition.
await() {
  for _ in $(seq 100); do if "$@" 2>/dev/null; then return 0; fi; sleep 0.1; done
  return 1
}
fetch() { (cd "$work" && rm -f fetched && printf 'mode octet\nget %s fetched\n' "$1" | tftp 127.0.0.1 >/dev/null && [ -s fetched ]); }

step 'A git repository that describes a small lab (examples/homelab)'
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git_() { git -C "$work/checkout" -c user.name=demo -c user.email=demo@example.net "$@"; }
git init --quiet --bare --initial-branch=main "$work/fleet.git"
git init --quiet --initial-branch=main "$work/checkout"
cp -r "$examples/homelab/." "$work/checkout/"
git_ add --all
git_ commit --quiet --message 'Describe the lab'
git_ push --quiet "$work/fleet.git" main
mkdir "$work/state" "$work/tftp" "$work/nodes" "$work/hosts" "$work/secrets"
for profile in ubuntu rescue; do   # stand-ins: kernels are not in git
  mkdir -p "$work/assets/$profile"
  head -c 65536 /dev/zero >"$work/assets/$profile/vmlinuz"
  head -c 65536 /dev/zero >"$work/assets/$profile/initrd"
done
cat >"$work/restart-dnsmasq" <<EOF
#!/bin/sh
if [ -s $work/dnsmasq.pid ]; then kill "\$(cat $work/dnsmasq.pid)" && sleep 0.2; fi
exec $(command -v dnsmasq) --conf-file=$work/dnsmasq.conf
EOF
chmod +x "$work/restart-dnsmasq"
cat >"$work/metalwright.yaml" <<EOF
source: {git: $work/fleet.git, branch: main, poll: 1s}
state: sqlite:$work/state/state.db
secrets: $work/secrets
assets: $work/assets
targets:
  - {name: tftp, type: files, root: $work/tftp, render: [pxelinux, grub, ipxe]}
  - {name: nodes, type: files, root: $work/nodes, render: [netplan, cluster-config]}
  - name: dhcp
    type: dnsmasq
    mode: tftp
    config: $work/dnsmasq.conf
    hosts: $work/hosts
    listen-addresses: [127.0.0.1]
    pid-file: $work/dnsmasq.pid
    log-file: $work/dnsmasq.log
    run-as: root
    reload: pidfile:$work/dnsmasq.pid
    restart: command:$work/restart-dnsmasq
EOF
git_ log --oneline
run validate "$work/checkout"

step 'The plan: what differs, and why'
run plan | tail -n 25

step 'Apply it: the boot tree, the nodes'\'' files and dnsmasq'
run apply --yes >"$work/apply.log" || { cat "$work/apply.log"; fail 'apply failed'; }
tail -n 1 "$work/apply.log"

step 'A machine asks by TFTP for its boot file'
fetch pxelinux.cfg/01-52-54-00-1a-00-11 || fail 'no answer by TFTP'
cat "$work/fetched"

step 'A second plan is empty'
run plan --detailed-exitcode || fail 'the second plan is not empty'

step 'Unattended: the loop runs, and somebody pushes a commit that adds a server'
"$program" -c "$work/metalwright.yaml" reconcile 2>"$work/reconcile.log" &
loop_pid=$!
cat >>"$work/checkout/inventory.yaml" <<'EOF'

  europa:
    hostname: europa.lab.example.net
    ipv4: 192.0.2.15
    profile: rescue
    interfaces:
      eno1: {mac: "52:54:00:1a:00:15", role: primary}
EOF
git_ commit --quiet --all --message 'Add europa'
git_ push --quiet "$work/fleet.git" main
git_ log --oneline --max-count=1
await test -s "$work/tftp/pxelinux.cfg/01-52-54-00-1a-00-15" || fail 'the new server did not arrive'
await fetch pxelinux.cfg/01-52-54-00-1a-00-15 || fail 'its boot file is not served'
grep -m 1 -i kernel "$work/fetched"

step 'Somebody edits a boot file by hand: drift is found and corrected'
victim=pxelinux.cfg/01-52-54-00-1a-00-11
cp "$work/tftp/$victim" "$work/before"
echo 'APPEND init=/bin/sh' >>"$work/tftp/$victim"
await cmp -s "$work/tftp/$victim" "$work/before" || fail 'the drift was not corrected'
await grep -q 'drift: ' "$work/reconcile.log" || fail 'the drift was not reported'
grep -h 'drift' "$work/reconcile.log" | head -n 3
kill -TERM "$loop_pid"; wait "$loop_pid" || true; loop_pid=

step 'Summary'
run status
echo
printf '%s files in the boot tree, %s nodes with files, %s runs; every one can be explained:\n' \
  "$(find "$work/tftp" -type f -not -path '*/.metalwright/*' | wc -l)" \
  "$(find "$work/nodes" -mindepth 1 -maxdepth 1 -type d -not -name '.*' | wc -l)" \
  "$("$program" -c "$work/metalwright.yaml" history | wc -l)"
run explain europa
printf '\n%sConverged.%s Everything that was made is removed again.\n' "$bold" "$plain"
