#!/usr/bin/env bash
# Installs what weft needs to build, test and run its demo, from Debian 12's own packages.
# Does nothing, and needs no root, when everything is already there. Used by every `make` target.
#   scripts/install-dependencies.sh           install what is missing
#   scripts/install-dependencies.sh --list    print the package names, one a line
#   scripts/install-dependencies.sh --with-fuzzing   also what `make fuzz` needs: clang
#   scripts/install-dependencies.sh --with-benchmarks   also what `make bench` compares with: NATS
set -euo pipefail

packages=(
    # tools
    g++ cmake ninja-build pkg-config ccache git ca-certificates
    # libraries (see ARCHITECTURE.md for which serves what)
    libzmq3-dev cppzmq-dev libmsgpack-cxx-dev libsodium-dev libssl-dev libyaml-cpp-dev
    libc-ares-dev libcurl4-openssl-dev librocksdb-dev libboost-dev zlib1g-dev prometheus-cpp-dev
    libcli11-dev libspdlog-dev libfmt-dev libsimdjson-dev nlohmann-json3-dev libexpected-dev
    # tests and benchmarks
    libgtest-dev libgmock-dev libbenchmark-dev iproute2 faketime strace
    # the independent verifier of examples/verify.py and its test
    python3 python3-nacl python3-msgpack
    # examples/exec_consumer.sh
    jq
    # tests and documentation of the gateway
    curl
)

if [ "${1:-}" = "--with-fuzzing" ]; then
    packages+=(clang libclang-rt-14-dev)
fi
if [ "${1:-}" = "--with-benchmarks" ]; then
    packages+=(nats-server libnats-dev)
fi
if [ "${1:-}" = "--list" ]; then
    printf '%s\n' "${packages[@]}"
    exit 0
fi

if ! command -v dpkg-query >/dev/null; then
    echo "install-dependencies: this script knows Debian packages only; install by hand:" >&2
    printf '  %s\n' "${packages[@]}" >&2
    exit 2
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-dependencies: missing: ${missing[*]}" >&2
        echo "install-dependencies: not root and no sudo; run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    sudo=(sudo)
fi

echo "installing from Debian: ${missing[*]}"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
