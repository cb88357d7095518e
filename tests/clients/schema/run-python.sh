#!/bin/sh
# A client generated from the OpenAPI document of a running server, with no warning, byte-compiled, imported and used.
# Usage: run-python.sh BASE_URL KEY
set -eu
base=$1
KEY=$2
here=$(cd "$(dirname "$0")" && pwd)
# The generator looks for the formatter of its code on the path.
PATH=$here/../.venv/bin:$PATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export KEY PATH

curl -sS --fail "$base/platform/openapi.json" -o "$folder/openapi.json"
if ! openapi-python-client generate --path "$folder/openapi.json" --meta none --output-path "$folder/lev" \
  --fail-on-warning > "$folder/said" 2>&1; then
  cat "$folder/said" >&2
  exit 1
fi
python -W error -m compileall -q "$folder/lev"
PYTHONPATH=$folder python -W error "$here/typed.py" "$base"
