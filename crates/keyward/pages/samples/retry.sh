#!/bin/sh
# A call that waits when it is told to: after 429 and 503 for Retry-After and up to two seconds more, at most
# five attempts. Give a write an Idempotency-Key, which all its attempts share.
set -eu
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

call() {
  attempt=1
  while :; do
    answer=$(curl -sS -D "$headers" -w '\n%{http_code}' \
      -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration' "$@")
    status=$(printf '%s\n' "$answer" | sed -n '$p')
    after=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "retry-after:" { print $2 }')
    case $status in
      429 | 503) ;;
      *) break ;;
    esac
    [ "$attempt" -lt 5 ] || break
    attempt=$((attempt + 1))
    sleep "$((${after:-1} + $(od -An -N1 -tu1 /dev/urandom) % 3))"
  done
  printf '%s\n' "$answer" | sed '$d'
  [ "$status" -lt 400 ]
}

call "$API/deals?limit=1&fields=title"
