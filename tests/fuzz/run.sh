#!/usr/bin/env bash
# Runs each libFuzzer program of a build, one after the other, and says how much each tried and
# found. New inputs gather in <build>/corpus, so that the next run goes on from there; inputs that
# found something stand in <build>/findings. Fails if there is one.
#   tests/fuzz/run.sh build/fuzz SECONDS [TARGET…]
set -euo pipefail

build=$1 seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for directory in "$here"/corpus/*/; do targets+=("$(basename "$directory")"); done
fi
mkdir -p "$build/findings" "$build/corpus"

printf '%-16s %12s %9s  %s\n' target executions coverage found
failed=0
for target in "${targets[@]}"; do
    log=$build/findings/$target.log
    mkdir -p "$build/corpus/$target"
    found=nothing
    nice -n 10 "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 \
        -max_len=4096 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
        "$build/corpus/$target" "$here/corpus/$target" >"$log" 2>&1 ||
        found="$(sed -n 's/.*Test unit written to //p' "$log" | tail -1), see $log"
    [ "$found" = nothing ] || failed=1
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    printf '%-16s %12s %9s  %s\n' "$target" "${executions:-?}" "${coverage:-?}" "$found"
done
exit $failed
