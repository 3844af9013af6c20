#!/bin/sh
# Unpacks what a compiled runtime has built and becomes it.
set -eu

tar -xzf /tmp/code.tar.gz -C /usr/code
cd /usr/code
exec ./runtime
