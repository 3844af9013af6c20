#!/bin/sh
# Installs what the function declares and imports into /usr/code. The server
# itself needs nothing but Deno.
set -eu

cd /usr/code
export DENO_DIR=/usr/code/.deno
frozen=
if [ -f deno.lock ]; then
    frozen=--frozen
fi
if [ -f deno.json ] || [ -f deno.jsonc ] || [ -f package.json ]; then
    deno install $frozen
fi
deno install $frozen --entrypoint "${ENTRYPOINT_NAME:?is the name of the file of the function}"

# What is started stands beside the function: Deno looks for the configuration
# there.
echo 'import "file:///usr/local/src/server.ts";' > .server.ts
