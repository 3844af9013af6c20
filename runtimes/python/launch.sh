#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
exec python3 -u /usr/local/src/server.py
