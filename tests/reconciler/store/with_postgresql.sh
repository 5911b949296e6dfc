#!/usr/bin/env bash
# Runs a command with METALWRIGHT_TEST_POSTGRESQL naming a PostgreSQL server that lives as long as
# the command and listens on a socket in a folder of its own. Exits 77 (skipped) where there is none.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || skip "PostgreSQL's server is not installed (Debian: postgresql)"

folder=$(mktemp -d)
as_owner=()
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
  id postgres >/dev/null 2>&1 || skip "there is no user postgres"
  chown postgres "$folder"
  as_owner=(runuser -u postgres --)
fi
cleanup() {
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap cleanup EXIT

cd "$folder"
"${as_owner[@]}" "$bin/initdb" -D "$folder/data" -A trust -U postgres -E UTF8 --no-sync \
  >"$folder.log" 2>&1 || { cat "$folder.log"; rm -f "$folder.log"; exit 1; }
rm -f "$folder.log"
"${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -w -t 30 -l "$folder/data/log" \
  -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off" start >/dev/null ||
  { cat "$folder/data/log"; exit 1; }
export METALWRIGHT_TEST_POSTGRESQL="postgresql:///postgres?host=$folder&user=postgres"
"$@"
