#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
exec bun --no-install /usr/local/src/server.ts
