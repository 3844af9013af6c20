#!/bin/sh
# Installs a released runbake, and refuses one that is not what was released: the
# checksum is compared, and where there is cosign so is who signed the checksums.
#
#	curl -fsSL https://github.com/runbake/runbake/releases/latest/download/install.sh | sh
#
# usage: install.sh [--version VERSION] [--to FOLDER] [--archives FOLDER] [--resolve]
#
#	--version VERSION    v1.2.3, or latest, which is the default
#	--to FOLDER          where the program goes; ~/.local/bin by default
#	--archives FOLDER    keeps archives there, and takes one that is there already
#	--resolve            only prints which version that is
#
# RUNBAKE_RELEASES is where releases are, for a mirror.
set -eu

releases=${RUNBAKE_RELEASES:-https://github.com/runbake/runbake/releases}
identity=https://github.com/runbake/runbake/.github/workflows/tool-release.yml@refs/tags
issuer=https://token.actions.githubusercontent.com

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# fetch URL FILE; what came half is not there.
fetch() {
    curl --fail --silent --show-error --location --retry 3 --output "$2.part" "$1" || fail "cannot get $1"
    mv "$2.part" "$2"
}

# resolve VERSION prints the tag that it is: latest is an address that leads to it.
resolve() {
    tag=$1
    if [ "$tag" = latest ]; then
        tag=$(curl --fail --silent --show-error --location --head --output /dev/null --write-out '%{url_effective}' "$releases/latest") ||
            fail "cannot ask $releases/latest for the latest version"
        tag=${tag##*/}
    fi
    # It becomes part of paths and addresses.
    case $tag in *[!0-9A-Za-z.-]*) fail "$tag is no version, such as v1.2.3" ;; esac
    printf '%s\n' "$tag" | grep -Eqx 'v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?' || fail "$tag is no version, such as v1.2.3"
    printf '%s\n' "$tag"
}

# target prints the system and architecture as archives name them.
target() {
    case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN*) os=windows ;;
    *) fail "there is no release for $(uname -s)" ;;
    esac
    case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no release for $(uname -m)" ;;
    esac
    echo "${os}_$arch"
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# signed FOLDER VERSION: the checksums there are those that the release's workflow
# has signed at the tag. Without cosign, TLS says whose they are.
signed() {
    command -v cosign >/dev/null || return 0
    fetch "$releases/download/$2/checksums.txt.sigstore.json" "$1/checksums.txt.sigstore.json"
    cosign verify-blob --bundle "$1/checksums.txt.sigstore.json" --certificate-identity "$identity/$2" \
        --certificate-oidc-issuer "$issuer" "$1/checksums.txt" >&2 || fail "checksums.txt of $2 is not signed by the release: nothing was installed"
}

install() {
    version=$1 to=$2 archives=$3
    platform=$(target)
    program=runbake
    archive=runbake_${version#v}_$platform.tar.gz
    case $platform in windows_*) program=runbake.exe archive=runbake_${version#v}_$platform.zip ;; esac

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    fetch "$releases/download/$version/checksums.txt" "$work/checksums.txt"
    signed "$work" "$version"
    want=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$work/checksums.txt")
    [ -n "$want" ] || fail "checksums.txt of $version has no $archive"

    from=${archives:-$work}
    mkdir -p "$from" "$to"
    # One that was kept, and is not what was released, is fetched again.
    if ! [ -f "$from/$archive" ] || [ "$(sha256 "$from/$archive")" != "$want" ]; then
        fetch "$releases/download/$version/$archive" "$from/$archive"
    fi
    if got=$(sha256 "$from/$archive") && [ "$got" != "$want" ]; then
        rm -f "$from/$archive"
        fail "$archive has the checksum $got, and checksums.txt has $want: nothing was installed"
    fi
    mkdir "$work/files"
    case $archive in
    *.zip) unzip -q "$from/$archive" "$program" -d "$work/files" ;;
    *) tar -xzf "$from/$archive" -C "$work/files" "$program" ;;
    esac
    # Beside the old one, and then in its place: whoever runs it has one of both.
    cp "$work/files/$program" "$to/.$program.new"
    chmod 755 "$to/.$program.new"
    mv -f "$to/.$program.new" "$to/$program"
    echo "installed runbake $version as $to/$program" >&2
    case :$PATH: in *":$to:"*) ;; *) echo "$to is not in PATH" >&2 ;; esac
}

main() {
    version=latest to=${HOME:-}/.local/bin archives='' resolve=''
    while [ $# -gt 0 ]; do
        case $1 in
        --version | --to | --archives) [ $# -ge 2 ] || fail "$1 needs a value" ;;
        esac
        case $1 in
        --version) version=$2 && shift 2 ;;
        --to) to=$2 && shift 2 ;;
        --archives) archives=$2 && shift 2 ;;
        --resolve) resolve=yes && shift ;;
        *) fail "unknown argument $1: there are --version, --to, --archives and --resolve" ;;
        esac
    done
    version=$(resolve "$version")
    if [ -n "$resolve" ]; then
        echo "$version"
    else
        install "$version" "$to" "$archives"
    fi
}

# Nothing runs of a script that came half.
main "$@"
