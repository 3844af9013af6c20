#!/bin/sh
# Installs what the function declares into /usr/code, with cpanm. The server
# itself needs nothing but Perl.
set -eu

cd /usr/code
export PERL_CPANM_HOME=/tmp/cpanm
for folder in vendor/*/; do
    if [ -f "$folder/Makefile.PL" ] || [ -f "$folder/Build.PL" ]; then
        cpanm --notest --local-lib-contained local "./$folder"
    fi
done
if [ -f cpanfile ]; then
    cpanm --notest --local-lib-contained local --installdeps .
fi
