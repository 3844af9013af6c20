#!/bin/sh
# Installs what the function declares into /usr/code, with npm. The server
# itself needs nothing but Node.js.
set -eu

cd /usr/code
if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
    npm ci --omit=dev --no-audit --no-fund
elif [ -f package.json ]; then
    npm install --omit=dev --no-audit --no-fund
fi
