#!/bin/sh
# Runs a checker that not every machine has: from PATH, or as npm run build:<name> has made it. Where it is missing it says so and
# lets the commit pass: .ci/run has it.
name=$1
shift
if command -v "$name" >/dev/null; then exec "$name" "$@"; fi
if [ -x "node_modules/.cache/$name" ]; then exec "node_modules/.cache/$name" "$@"; fi
echo "$name is not installed here: left to CI"
