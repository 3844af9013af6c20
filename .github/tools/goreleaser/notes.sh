#!/bin/sh
# Prints the section of CHANGELOG.md for a tag, without its heading. A release
# without one is refused.
set -eu
cd "$(dirname "$0")/../../.."
notes=$(awk -v heading="## ${1#v}" '/^## / { found = $0 == heading; next } found' CHANGELOG.md)
if [ -z "$notes" ]; then
    echo "CHANGELOG.md has no section \"## ${1#v}\": rename \"## Unreleased\", and tag that commit" >&2
    exit 1
fi
printf '%s\n' "$notes"
