#!/bin/sh
# Read a deal, look at it, then change it, if nobody else has changed it since.
set -eu
deal="$API/deals/7"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

call() {
  curl -sS -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration' "$@"
}

# 16 random bytes as a UUID of version 4.
uuid() {
  od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n' |
    sed 's/\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\)/\1-\2-4\3-a\4-\5/'
}

before=$(call --fail-with-body -D "$headers" "$deal") || { printf '%s\n' "$before" >&2; exit 1; }
etag=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "etag:" { print $2 }')
case $before in
  *'"archived":true'*) echo 'The deal is archived: nothing is changed.'; exit 0 ;;
esac

after=$(call -w '\n%{http_code}' -X PATCH "$deal" -H "If-Match: $etag" -H "Idempotency-Key: $(uuid)" \
  -H 'Content-Type: application/json' -d '{"loan_amount": 35000000}')
case $(printf '%s\n' "$after" | sed -n '$p') in
  200) echo 'The loan amount is 35000000.' ;;
  412) echo 'Somebody else has changed the deal: read it again.' >&2; exit 1 ;;
  *) printf '%s\n' "$after" >&2; exit 1 ;;
esac
