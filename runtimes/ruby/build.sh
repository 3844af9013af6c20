#!/bin/sh
# Installs what the function declares into /usr/code, with Bundler. The server
# itself needs nothing but Ruby.
set -eu

cd /usr/code
if [ -f Gemfile ]; then
    export BUNDLE_APP_CONFIG=/tmp/bundle BUNDLE_USER_HOME=/tmp/bundle BUNDLE_PATH=vendor/bundle BUNDLE_WITHOUT=development:test
    if [ -f Gemfile.lock ]; then
        export BUNDLE_FROZEN=true
    fi
    # Standalone: what finds the gems at launch is a file, not Bundler.
    bundle install --standalone
fi
