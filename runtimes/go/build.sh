#!/bin/sh
# Compiles the function in /usr/code with the server, and leaves one
# executable there, runtime. ENTRYPOINT_NAME is the file that has Main.
set -eu

if [ ! -f "/usr/code/${ENTRYPOINT_NAME:?is the name of the file that has Main}" ]; then
    echo "build.sh: /usr/code/$ENTRYPOINT_NAME does not exist" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R /usr/code/. "$work"
cp -n go.mod "$work"
cp server.go "$work/zz_server.go"
cp function.go "$work/zz_function.go"

cd "$work"
CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o runtime .
find /usr/code -mindepth 1 -delete
mv runtime /usr/code/runtime
