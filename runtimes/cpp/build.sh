#!/bin/sh
# Compiles the function in /usr/code, links it with the server, and leaves one
# executable there, runtime. ENTRYPOINT_NAME is the file that has handle.
set -eu

if [ ! -f "/usr/code/${ENTRYPOINT_NAME:?is the name of the file that has handle}" ]; then
    echo "build.sh: /usr/code/$ENTRYPOINT_NAME does not exist" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
g++ -std="c++$CPP_STANDARD" -O1 -I/usr/local/src -I/usr/code -c "/usr/code/$ENTRYPOINT_NAME" -o "$work/function.o"
g++ -static -pthread "$work/function.o" server.o http.o -o "$work/runtime"
find /usr/code -mindepth 1 -delete
mv "$work/runtime" /usr/code/runtime
