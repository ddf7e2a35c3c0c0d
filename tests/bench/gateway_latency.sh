#!/usr/bin/env bash
# How soon readers of the gateway get what is published at 1,000 messages a second, and how many
# deliveries a second 1,000 readers of one topic get together, beside nginx with nchan in the same
# minutes. Rounds in turns, because machines are not quiet.
#   tests/bench/gateway_latency.sh [BUILD_DIR] [ROUNDS, 3]
# Needs nginx with its module nchan. Ports are free ones of the loopback; nothing is left behind.
set -euo pipefail
build=$(realpath "${1:-build/release}")
rounds=${2:-3}
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/bench/gateway_stand.sh
source "$here/gateway_stand.sh"
need nginx curl jq "$weft" "$build/tests/bench/gateway_latency"
bench=$build/tests/bench/gateway_latency
start_nginx 'location /pub { nchan_publisher; nchan_channel_id one; nchan_message_buffer_length 1000; }
    location /sub { nchan_subscriber eventsource; nchan_channel_id one;
                    nchan_subscriber_first_message newest; }' modules/ngx_nchan_module.so
start_gateway
port=${native##*:}

for round in $(seq "$rounds"); do
    echo "latency $("$bench" latency "$port" 1000 4)"
    nchan=$("$bench" readers "$nginx_port" /pub /sub 1000 200)
    weft_readers=$("$bench" readers "$port" /v1/topics/bench.many '/v1/stream?topic=bench.many' 1000 200)
    echo "nchan   $nchan"
    echo "weft    $weft_readers"
    jq -rn --argjson a "$weft_readers" --argjson b "$nchan" --arg round "$round" \
        '"round \($round): \($a.deliveries_per_second / $b.deliveries_per_second * 100 | round / 100) of nchan"'
done
