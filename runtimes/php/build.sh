#!/bin/sh
# Installs what the function declares into /usr/code, with Composer. The server
# itself needs nothing but PHP.
set -eu

cd /usr/code
if [ -f composer.json ]; then
    export COMPOSER_HOME=/tmp/composer
    composer install --no-dev --no-interaction --no-progress --prefer-dist --optimize-autoloader
fi
