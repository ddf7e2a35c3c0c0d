#!/usr/bin/env bash
# What a publish of Routemaster costs, beside a native durable one and nginx that serves a small file,
# in turns: requests a second over 64 connections, each figure as a ratio of the other two, and what
# a request cost the gateway in processor time, which others on the machine change least.
# TMPDIR=/dev/shm takes the disk out of it: without, who else syncs decides.
#   tests/bench/gateway_routemaster.sh [BUILD_DIR] [ROUNDS, 3] [SECONDS, 3]
# Needs nginx and wrk. Ports are free ones of the loopback; nothing is left behind.
set -euo pipefail
build=$(realpath "${1:-build/release}")
rounds=${2:-3}
seconds=${3:-3}
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/bench/gateway_stand.sh
source "$here/gateway_stand.sh"
need wrk nginx curl "$weft"
start_nginx ''
start_gateway

: >"$dir/get.lua"
cat >"$dir/native.lua" <<LUA
wrk.method = "POST"
wrk.body = '{"type": "create", "url": "https://shop.example/widgets/1", "data": {"colour": "red"}}'
wrk.headers["Content-Type"] = "application/json"
LUA
cp "$dir/native.lua" "$dir/events.lua"
echo "wrk.headers['Authorization'] = 'Basic $(printf 'bench--1:x' | base64)'" >>"$dir/events.lua"
# 64 topics: each its own order, and a run of its own in what is signed and stored together.
many() {  # SCRIPT PATH_BEFORE PATH_AFTER
    cat "$1"
    cat <<LUA
local turn = 0
local names = {}
for i = 0, 63 do
    names[i] = "$2many_" .. string.char(97 + math.floor(i / 8)) .. string.char(97 + i % 8) .. "$3"
end
request = function()
    turn = (turn + 1) % 64
    return wrk.format(nil, names[turn])
end
LUA
}
many "$dir/native.lua" /v1/topics/bench. '?durable=true' >"$dir/many_native.lua"
many "$dir/events.lua" /topics/ '' >"$dir/many_events.lua"

gateway_pid=${children[-1]}
ticks() {  # of the gateway, 10 ms each
    awk '{print $14 + $15}' "/proc/$gateway_pid/stat"
}
run() {  # NAME SCRIPT URL
    local before
    before=$(ticks)
    wrk -t1 -c64 -d"${seconds}s" --latency -s "$2" "$3" | 
        awk -v name="$1" -v round="$round" -v before="$before" -v stat="/proc/$gateway_pid/stat" '
        /Requests\/sec/ { rate = $2 }
        / requests in / { count = $1 }
        /^ *50%/ { p50 = $2 }
        /^ *99%/ { p99 = $2 }
        /Non-2xx/ { wrong = $0 }
        END { getline line <stat; split(line, of); cpu = of[14] + of[15] - before
              printf "%s %s %.0f %.1f us, p50 %s, p99 %s %s\n", round, name, rate,
                     count ? cpu * 10000 / count : 0, p50, p99, wrong }' |
        tee -a "$dir/figures" >&2
}
for round in $(seq "$rounds"); do
    run nginx_static "$dir/get.lua" "http://127.0.0.1:$nginx_port/f"
    run native_durable "$dir/native.lua" "$native/v1/topics/bench.two?durable=true"
    run routemaster_one_topic "$dir/events.lua" "$routemaster/topics/widgets"
    run native_64_topics "$dir/many_native.lua" "$native/"
    run routemaster_64_topics "$dir/many_events.lua" "$routemaster/"
done
awk '
    { sum[$2] += $3; cpu[$2] += $4; count[$2]++; if (!($2 in seen)) { seen[$2] = 1; order[++n] = $2 } }
    $2 == "nginx_static" { nginx[$1] = $3 }
    $2 == "native_durable" { native[$1] = $3 }
    { of_nginx[$2] += nginx[$1] ? $3 / nginx[$1] : 0; of_native[$2] += native[$1] ? $3 / native[$1] : 0 }
    END { for (i = 1; i <= n; i++) { name = order[i];
          printf "%-22s %9.0f/s  %.2f of nginx", name, sum[name] / count[name], of_nginx[name] / count[name]
          if (of_native[name]) printf ", %.2f of the native durable one", of_native[name] / count[name]
          printf ", %.1f us of the gateway\n", cpu[name] / count[name] } }
' "$dir/figures"
