#!/bin/sh
# Every deal, page by page: each page names the cursor of the next.
set -eu

count=0
cursor=''
while :; do
  page=$(curl -sS --fail-with-body "$API/deals?limit=200&fields=title${cursor:+&cursor=$cursor}" \
    -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration') ||
    { printf '%s\n' "$page" >&2; exit 1; }
  # No text in JSON holds a bare quotation mark, so none of these patterns can match inside a title.
  count=$((count + $(printf '%s\n' "$page" | tr '{' '\n' | grep -c '^"id":' || true)))
  total=$(printf '%s\n' "$page" | sed 's/.*"total":\([0-9]*\).*/\1/')
  case $page in
    *'"has_more":true'*) cursor=$(printf '%s\n' "$page" | sed 's/.*"next_cursor":"\([^"]*\)".*/\1/') ;;
    *) break ;;
  esac
done

# `total` is that of the last page: it can have changed since the first.
echo "$count deals of $total"
