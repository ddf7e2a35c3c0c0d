#!/usr/bin/env bash
# Every benchmark, figures on stdout.  tests/bench/run.sh BUILD_DIR
set -euo pipefail
build=${1:-build/release}
echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $(nproc) cores, $(date -u +%F)"
"$build/tests/bench/parts" --benchmark_format=console 2>/dev/null
"$build/tests/bench/fabric_throughput"
