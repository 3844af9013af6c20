#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
cd /usr/code

# Else V8 keeps what thousands of requests have left, up to twice of what it
# needs, and is no faster for it.
DENO_DIR=/usr/code/.deno exec deno run --v8-flags=--optimize-for-size --allow-all --no-prompt --cached-only .server.ts
