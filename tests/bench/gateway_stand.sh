# A gateway with its relay and journal, and nginx beside it, on free ports of the loopback; sourced
# by gateway_*.sh, which set `build`. Everything ends with the shell that sources it.
#   start_nginx CONFIG_OF_SERVER [MODULE]   sets nginx_port
#   start_gateway                           sets native, rse and routemaster, the URLs of its
#                                           listeners; the token of Routemaster is bench--1

weft=$build/tools/weft
dir=$(mktemp -d)
children=()
cleanup() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT

need() {
    local needed
    for needed in "$@"; do
        command -v "$needed" >/dev/null || { echo "$0: $needed is not there" >&2; exit 2; }
    done
}

free_port() {
    /usr/bin/env python3 -c \
        'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

await() {  # FILE TEXT
    local _
    for _ in $(seq 200); do
        if grep -q -- "$2" "$1" 2>/dev/null; then return; fi
        sleep 0.05
    done
    echo "$0: no '$2' in $1" >&2
    cat "$1" >&2
    exit 1
}

start_nginx() {
    nginx_port=$(free_port)
    chmod 755 "$dir"
    mkdir -p "$dir/html"
    printf 'ok\n' >"$dir/html/f"
    cat >"$dir/nginx.conf" <<CONF
${2:+load_module $2;}
daemon off; worker_processes $(nproc); pid $dir/pid; error_log $dir/error.log;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000;
       client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
       uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
       server { listen 127.0.0.1:$nginx_port backlog=4096; root $dir/html; $1 } }
CONF
    nginx -c "$dir/nginx.conf" 2>/dev/null &
    children+=($!)
    for _ in $(seq 100); do
        if curl -s -o /dev/null "http://127.0.0.1:$nginx_port/f"; then return; fi
        sleep 0.05
    done
    echo "$0: nginx does not answer" >&2
    cat "$dir/error.log" >&2
    exit 1
}

start_gateway() {
    "$weft" init --dir "$dir/fabric" --name bench.host1 >/dev/null
    cat >"$dir/fabric/weft.d/9000.yaml" <<CONF
fabric: { relay: { inbound: 'tcp://127.0.0.1:$(free_port)', outbound: 'tcp://127.0.0.1:$(free_port)' } }
reliability: { journals: [bench.host1], journal: { listen: 'tcp://127.0.0.1:$(free_port)' } }
gateway:
  listeners:
    - { address: '127.0.0.1:0', serve: [native, metrics] }
    - { address: '127.0.0.1:0', serve: [rse] }
    - { address: '127.0.0.1:0', serve: [routemaster] }
  routemaster: { clients: [bench--1] }
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
    # shellcheck disable=SC2034  # for who sources this
    routemaster=$(awk '/^listening routemaster/ {print $NF}' "$dir/gateway.out")
}
