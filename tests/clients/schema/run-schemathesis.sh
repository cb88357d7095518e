#!/bin/sh
# schemathesis against a running server, by its own OpenAPI document: all phases, all checks.
# Usage: run-schemathesis.sh BASE_URL KEY [EXAMPLES_PER_OPERATION] [SEED]
#
# It writes to the account of the key, which has to be a full_access key of an admin: give it a demo of its own, with limits
# that do not end the run (README.md names them).
set -eu
KEYWARD_URL=$1
KEYWARD_KEY=$2
examples=${3:-20}
seed=${4:-1}
here=$(cd "$(dirname "$0")" && pwd)
KEYWARD_HOOKS=$here/hooks.py
export KEYWARD_URL KEYWARD_KEY KEYWARD_HOOKS
# What it leaves behind is thrown away.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

PYTHONDONTWRITEBYTECODE=1 "$here/../.venv/bin/schemathesis" --no-color --config-file "$here/schemathesis.toml" \
  run "$KEYWARD_URL/platform/openapi.json" --max-examples "$examples" --seed "$seed"
