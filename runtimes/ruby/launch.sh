#!/bin/sh
# Unpacks the built function and becomes the server.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code

# Threads come and go, each with a large stack: so that their memory is given
# back.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=65536
exec ruby /usr/local/src/server.rb
