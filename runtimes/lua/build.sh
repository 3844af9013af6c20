#!/bin/sh
# Installs what the function declares into /usr/code, with LuaRocks. The server
# itself needs nothing but what is in the image.
set -eu

cd /usr/code
servers=
if [ -d rocks ]; then
    servers='--only-server /usr/code/rocks'
fi
for rockspec in *.rockspec; do
    if [ -f "$rockspec" ]; then
        luarocks --lua-version 5.4 --tree .rocks $servers install --deps-only "$rockspec"
    fi
done
