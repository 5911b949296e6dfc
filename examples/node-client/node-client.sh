#!/bin/sh
# A node that takes part with nothing but curl, sha256sum and a POSIX shell: it fetches the files
# that it is to have, puts them in place, and reports what it did. For ever, or once with --once.
#
#   METALWRIGHT_URL=http://192.0.2.1:8000 METALWRIGHT_TOKEN_FILE=/etc/metalwright/token \
#     node-client.sh NAME [ROOT] [--once]
#
# NAME is the node's name in its cluster, else its server's; the token is the one that
# `metalwright token create NAME --role node` printed. Files are written beneath ROOT (default /).
# Where APPLY names a program, it is run once the files are in place (such as `netplan apply`), and
# its failure is reported.
set -eu

name=$1
root=${2:-/}
once=${3:-}
url=${METALWRIGHT_URL:?where the service is}
token=$(cat "${METALWRIGHT_TOKEN_FILE:?a file with the token of this node}")
case $token in *[!A-Za-z0-9_]*) echo "this is no token" >&2; exit 2 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 0' INT TERM
# Not as an argument, where every user of this machine could read it.
printf 'header = "Authorization: Bearer %s"\nsilent\nshow-error\n' "$token" >"$work/curl"
chmod 600 "$work/curl"

call() { curl -K "$work/curl" --max-time 90 "$@"; }

# Fetches the list of files, or waits up to a minute for another one than $hash.
# Sets $status to the answer's HTTP status, and for 200 the new $hash and $work/list.
fetch() {
  status=$(call -o "$work/list.new" -D "$work/head" -w '%{http_code}' \
    ${hash:+-H "If-None-Match: \"$hash\""} "$url/api/v1/nodes/$name/bundle?format=list&wait=60") || status=000
  [ "$status" = 200 ] || return 0
  mv "$work/list.new" "$work/list"
  hash=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *"\([0-9a-f]*\)".*/\1/p' "$work/head" | tail -n 1)
}

# Puts one file in place: whole or not at all, and never with the wrong content.
put() {
  mode=$1 sum=$2 path=$3
  case "/$path/" in *"/../"* | *"/./"* | *"//"*) echo "refused: $path" >&2; return 1 ;; esac
  call -f -G -o "$work/file" --data-urlencode "path=$path" "$url/api/v1/nodes/$name/file" || return 1
  # Another revision came in between: its list is fetched next.
  [ "$(sha256sum <"$work/file" | cut -d ' ' -f 1)" = "$sum" ] || return 1
  target=${root%/}/$path
  mkdir -p "$(dirname "$target")"
  new=$target.metalwright-new
  (umask 077 && cp "$work/file" "$new") && chmod "$mode" "$new" && mv "$new" "$target"
}

# Applies all files; sets $health and $message.
apply() {
  health=ok message=
  while read -r mode sum path; do
    put "$mode" "$sum" "$path" || { health=failed message="cannot write $path"; return; }
  done <"$work/list"
  [ -z "${APPLY:-}" ] || $APPLY >&2 || { health=failed message="$APPLY failed"; }
}

report() {
  printf '{"applied_hash":"%s","health":"%s","message":"%s","facts":{"kernel":"%s"}}' \
    "$1" "$health" "$(printf %s "$message" | tr -c 'A-Za-z0-9 ._/-' '?')" "$(uname -r | tr -c 'A-Za-z0-9._+-' '?')" |
    call -f -o /dev/null -H 'Content-Type: application/json' --data-binary @- \
      "$url/api/v1/nodes/$name/report"
}

pause() { [ "$once" = --once ] || sleep "${PAUSE:-10}"; }

hash='' applied='' health=ok message=''
while :; do
  fetch
  case $status in
    200)
      apply
      [ "$health" = failed ] || applied=$hash
      # What failed, or could not be told, is tried once more.
      report "${applied:-none}" && [ "$health" = ok ] || { hash='' && pause; }
      ;;
    304) report "${applied:-none}" || true ;; # nothing new: a sign of life
    *)
      echo "the service answers $status" >&2
      [ "$once" != --once ] || exit 1
      pause
      ;;
  esac
  [ "$once" != --once ] || { [ "$health" = ok ]; exit; }
done
