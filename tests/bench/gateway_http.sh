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
weft=$build/tools/weft
for needed in wrk nginx curl "$weft"; do
    command -v "$needed" >/dev/null || { echo "gateway_http: $needed is not there" >&2; exit 2; }
done

dir=$(mktemp -d)
children=()
cleanup() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT

free_port() {
    /usr/bin/env python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
await() {  # FILE TEXT
    for _ in $(seq 200); do
        if grep -q -- "$2" "$1" 2>/dev/null; then return; fi
        sleep 0.05
    done
    echo "gateway_http: no '$2' in $1" >&2
    cat "$1" >&2
    exit 1
}

nginx_port=$(free_port)
mkdir "$dir/html"
printf 'ok\n' >"$dir/html/f"
cat >"$dir/nginx.conf" <<CONF
daemon off; worker_processes $(nproc); pid $dir/pid; error_log $dir/error.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
       uwsgi_temp_path $dir/u; scgi_temp_path $dir/s; keepalive_requests 100000000;
       server { listen 127.0.0.1:$nginx_port; root $dir/html; } }
CONF
chmod 755 "$dir"
nginx -c "$dir/nginx.conf" 2>/dev/null &
children+=($!)

"$weft" init --dir "$dir/fabric" --name bench.host1 >/dev/null
cat >"$dir/fabric/weft.d/9000.yaml" <<CONF
fabric: { relay: { inbound: 'tcp://127.0.0.1:$(free_port)', outbound: 'tcp://127.0.0.1:$(free_port)' } }
reliability: { journals: [bench.host1], journal: { listen: 'tcp://127.0.0.1:$(free_port)' } }
gateway: { listeners: [ { address: '127.0.0.1:0', serve: [native, metrics] }, { address: '127.0.0.1:0', serve: [rse] } ] }
CONF
cd "$dir/fabric"
"$weft" relay >"$dir/relay.out" 2>&1 &
children+=($!)
await "$dir/relay.out" ready
"$weft" gateway >"$dir/gateway.out" 2>"$dir/gateway.err" &
children+=($!)
await "$dir/gateway.out" ready
native=$(awk '/^listening native/ {print $NF}' "$dir/gateway.out")
rse=$(awk '/^listening rse/ {print $NF}' "$dir/gateway.out")

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
