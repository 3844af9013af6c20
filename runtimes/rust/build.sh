#!/bin/sh
# Compiles the function in /usr/code with the server, and leaves one executable
# there, runtime. ENTRYPOINT_NAME is the file that has main.
set -eu

if [ ! -f "/usr/code/${ENTRYPOINT_NAME:?is the name of the file that has main}" ]; then
    echo "build.sh: /usr/code/$ENTRYPOINT_NAME does not exist" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R /usr/code/. "$work"
cd "$work"
locked=
if [ -f Cargo.lock ]; then
    locked=--locked
fi
if [ ! -f Cargo.toml ]; then
    printf '[package]\nname = "function"\nversion = "0.0.0"\nedition = "2021"\n' > Cargo.toml
fi
printf '\n[[bin]]\nname = "start"\npath = ".start.rs"\n' >> Cargo.toml
cat > .start.rs <<EOF
#[path = "$ENTRYPOINT_NAME"]
mod function;

fn main() {
    runtime::serve(function::main)
}
EOF

# What functions use of the server was compiled with the image.
export RUSTFLAGS="--extern runtime=/usr/local/src/libruntime.rlib" CARGO_HOME=/tmp/cargo CARGO_TARGET_DIR="$work/target"
cargo build --release --quiet $locked --bin start
find /usr/code -mindepth 1 -delete
mv "$work/target/release/start" /usr/code/runtime
