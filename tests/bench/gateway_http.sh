#!/usr/bin/env bash
# What a request to the gateway costs, beside nginx that serves a small file in the same minute on
# the same machine: requests a second over 64 connections, and each figure as a ratio of nginx's.
# Rounds in turns, because machines are not quiet.
#   tests/bench/gateway_http.sh [BUILD_DIR] [ROUNDS, 3] [SECONDS, 3]
# Needs nginx and wrk. Ports are free ones of the loopback; nothing is left behind.
set -euo pipefail
build=$(realpath "${1:-build/release}")
rounds=${2:-3}
seconds=${3:-3}
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/bench/gateway_stand.sh
source "$here/gateway_stand.sh"
need wrk nginx curl jq "$weft"
start_nginx ''
start_gateway

agent='wrk/1 uuid/12345678-1234-4234-8234-123456789012'
cat >"$dir/get.lua" <<LUA
wrk.headers["User-Agent"] = "$agent"
LUA
cat >"$dir/post.lua" <<LUA
wrk.method = "POST"
wrk.body = '{"t": "' .. string.rep("x", 245) .. '"}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["User-Agent"] = "$agent"
LUA

first=''
for i in $(seq 11); do
    id=$(curl -sS -D - -o "$dir/answer" -A 'other uuid/2' -d '{"run": "backup"}' "$rse/ten/events" |
        tr -d '\r' | awk -F': ' 'tolower($1) == "x-rse-event-id" {print $2}')
    [ "$i" -gt 1 ] || first=$id
done

# A poll that finds nothing is 2xx as well.
got=$(curl -sS -A "$agent" "$rse/ten/events?last-known-id=$first&max-events=10" | jq '.events | length')
[ "$got" = 10 ] || { echo "gateway_http: a poll for ten events got $got" >&2; exit 1; }

run() {  # NAME SCRIPT URL
    wrk -t1 -c64 -d"${seconds}s" -s "$2" "$3" | awk -v name="$1" -v round="$round" '
        /Requests\/sec/ { rate = $2 }
        /Non-2xx/ { wrong = $0 }
        END { printf "%s %s %.0f %s\n", round, name, rate, wrong }' | tee -a "$dir/figures" >&2
}
for round in $(seq "$rounds"); do
    run nginx_static "$dir/get.lua" "http://127.0.0.1:$nginx_port/f"
    run rse_poll_nothing "$dir/get.lua" "$rse/nothing/here?last-known-id=1"
    run rse_poll_ten "$dir/get.lua" "$rse/ten/events?last-known-id=$first&max-events=10"
    run healthz "$dir/get.lua" "$native/healthz"
    run post_fire_and_forget "$dir/post.lua" "$native/v1/topics/bench.one"
    run post_durable "$dir/post.lua" "$native/v1/topics/bench.two?durable=true"
    run rse_post "$dir/post.lua" "$rse/a/b"
done
awk '
    { sum[$2] += $3; count[$2]++; if (!($2 in seen)) { seen[$2] = 1; order[++n] = $2 } }
    $2 == "nginx_static" { base[$1] = $3 }
    { ratio[$2] += base[$1] ? $3 / base[$1] : 0 }
    END { for (i = 1; i <= n; i++) { name = order[i];
          printf "%-22s %9.0f/s  %.2f of nginx\n", name, sum[name] / count[name], ratio[name] / count[name] } }
' "$dir/figures"
