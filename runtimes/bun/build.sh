#!/bin/sh
# Installs what the function declares into /usr/code, with Bun. The server
# itself needs nothing else.
set -eu

cd /usr/code
export BUN_INSTALL_CACHE_DIR=/tmp/bun
if [ -f bun.lock ] || [ -f bun.lockb ]; then
    bun install --production --frozen-lockfile
elif [ -f package.json ]; then
    bun install --production
fi
