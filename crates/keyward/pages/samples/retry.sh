#!/bin/sh
# A call that waits when it is told to: after 429 and 503 for Retry-After and up to two seconds more, at most
# five attempts. Give a write an Idempotency-Key, which all its attempts share.
set -eu

call() {
  attempt=1
  while :; do
    answer=$(curl -sS -w '\n%{http_code} %header{retry-after}' \
      -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration' "$@")
    read -r status after <<END
$(printf '%s\n' "$answer" | sed -n '$p')
END
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
