#!/bin/sh
# Before a run: is the key good, and may it do what the run needs?
set -eu
needed='deals:read deals:write'

answer=$(curl -sS --fail-with-body -X POST "$API/auth/validate-api-key" \
  -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration')

case $answer in
  *'"valid":true'*) ;;
  *) echo 'The key is not valid.' >&2; exit 1 ;;
esac
for scope in $needed; do
  case $answer in
    *"\"$scope\""*) ;;
    *) echo "The key lacks the scope $scope." >&2; exit 1 ;;
  esac
done
echo "The key is valid and has $needed."
