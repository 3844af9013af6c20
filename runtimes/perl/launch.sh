#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
exec perl /usr/local/src/server.pl
