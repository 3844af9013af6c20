#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
cd /usr/code
DENO_DIR=/usr/code/.deno exec deno run --allow-all --no-prompt --cached-only .server.ts
