#!/bin/sh
# Installs what the function declares into /usr/code, with pip. The server
# itself needs nothing but Python.
set -eu

cd /usr/code
if [ -f requirements.txt ]; then
    python3 -m pip install --no-cache-dir --disable-pip-version-check --target .packages --requirement requirements.txt
fi
