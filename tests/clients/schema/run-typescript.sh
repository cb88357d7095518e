#!/bin/sh
# Types from the OpenAPI document of a running server, a program that uses them, compiled strictly and run.
# Usage: run-typescript.sh BASE_URL KEY
set -eu
base=$1
KEY=$2
export KEY
cd "$(dirname "$0")/.."

mkdir -p build/schema
curl -sS --fail "$base/platform/openapi.json" -o build/schema/openapi.json
node_modules/.bin/openapi-typescript build/schema/openapi.json --output build/schema/api.d.ts >&2
node_modules/.bin/tsc --project schema/tsconfig.json
node build/schema/typed.js "$base"
