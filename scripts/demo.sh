#!/usr/bin/env bash
# The main job, on real input: this repository's commits as signed messages through a relay, then one
# message that was altered on its way and one from a revoked key, and two that must be acknowledged; a
# journal that is killed, a hub with three consumers that is killed, too, and a gateway for who has only HTTP.
# Exit 0 only if the numbers agree.
#   scripts/demo.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${1:-build/release}" && pwd)
weft="$build/tools/weft"
scripts="$PWD/scripts"
# Seconds for what takes one on an idle machine. What a killed hub had in hand comes back to the next
# one when its leases end, at the latest after 30.
patience=60

work=$(mktemp -d)
pids=()
stop_all() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop_all EXIT

say() { printf '\n== %s\n' "$*"; }
fail() { echo "demo: $*" >&2; exit 1; }

# wait_for FILE PATTERN [COUNT]: until FILE has COUNT lines that match, for at most $patience seconds.
# Looks again whenever the file may have grown; there is no fixed delay that anything depends on.
wait_for() {
    local deadline=$((SECONDS + patience)) want=${3:-1}
    local found
    until found=$(grep -cE "$2" "$1" 2>/dev/null || true) && [ "${found:-0}" -ge "$want" ]; do
        [ "$SECONDS" -lt "$deadline" ] || { cat "$1" >&2; fail "waited $patience s for '$2' in $(basename "$1")"; }
        read -rt 0.02 <> <(:) || true
    done
}

python3 "$scripts/commits_as_json.py" > "$work/commits.jsonl" || fail "this is not a git repository: the demo publishes its history"
published=$(wc -l < "$work/commits.jsonl")
[ "$published" -gt 0 ] || fail "this repository has no commits yet"

say "weft init: a CA, a key and certificate, a configuration"
"$weft" init --dir "$work/fabric" --name git.host1
cd "$work/fabric"
export HOME="$work"

say "weft relay, on free ports"
"$weft" relay --set fabric.relay.inbound=tcp://127.0.0.1:0 \
    --set fabric.relay.outbound=tcp://127.0.0.1:0 > "$work/relay.out" 2> "$work/relay.err" &
pids+=($!)
wait_for "$work/relay.out" '^ready$'
cat "$work/relay.out"
inbound=$(awk '$2 == "inbound" {print $3}' "$work/relay.out")
outbound=$(awk '$2 == "outbound" {print $3}' "$work/relay.out")
printf 'fabric:\n  relay: { inbound: "%s", outbound: "%s" }\n' "$inbound" "$outbound" > weft.d/90-demo.yaml

say "weft tail, in the background"
"$weft" tail --topic 'git.**' --show-refused > "$work/tail.out" 2> "$work/tail.err" &
pids+=($!)
wait_for "$work/tail.err" 'ready'

say "weft logger: $published commits of this repository as messages"
"$weft" logger --json-input --service git --topic commit < "$work/commits.jsonl"
wait_for "$work/tail.out" '"topic":"[^"]*git\.commit"' "$published"

say "a few of them, as they were received"
python3 "$scripts/demo_report.py" show "$work/tail.out"

say "one message through a relay that flips a bit"
"$build/examples/altering_relay" tcp://127.0.0.1:0 "$inbound" > "$work/liar.out" &
pids+=($!)
wait_for "$work/liar.out" '^listening '
liar=$(awk '{print $2}' "$work/liar.out")
"$weft" publish git.commit --json '{"hash": "altered on its way"}' --set "fabric.relay.inbound=$liar" >/dev/null
wait_for "$work/tail.out" '"refused":' 1
grep '"refused":' "$work/tail.out" | tail -n 1

say "one message signed with a key that was stolen, and revoked since"
"$weft" keys issue build.host7 --publish '**' >/dev/null
cp -r keys "$work/stolen"
"$weft" keys revoke build.host7 --reason key_compromised
wait_for "$work/tail.err" 'trust reloaded'
"$weft" publish git.commit --json '{"hash": "signed by the thief"}' --set name=build.host7 \
    --set "signing.directory=$work/stolen" >/dev/null
wait_for "$work/tail.out" '"refused":' 2
grep '"refused":' "$work/tail.out" | tail -n 1

say "a message that must be acknowledged: by one that is there, and by one that is not"
"$weft" tail --ack --terse --topic 'deploy.**' > "$work/deploy.out" 2> "$work/deploy.err" &
pids+=($!)
wait_for "$work/deploy.err" 'ready'
"$weft" publish deploy.start --json '{"version": "1.4"}' --recipients git.host1 --level processed \
    --ack-timeout 5s > /dev/null || fail "git.host1 did not acknowledge"
echo "git.host1 has processed it: exit 0"
if "$weft" publish deploy.start --json '{"version": "1.5"}' --recipients git.host1,ghost.host1 \
    --level processed --ack-timeout 300ms 2> "$work/silent.err"; then
    fail "nobody is ghost.host1, but its acknowledgement was counted"
fi
cat "$work/silent.err"
grep -q 'ghost.host1 *did not answer' "$work/silent.err" || fail "the silent one was not named"

say "weft journal serve: every commit must be on its disk, and it is killed with -9 in the middle"
start_journal() {
    : > "$work/journal.out"
    "$weft" journal serve --set "reliability.journal.listen=${1:-tcp://127.0.0.1:0}" \
        > "$work/journal.out" 2>> "$work/journal.err" &
    journal=$!
    pids+=("$journal")
    wait_for "$work/journal.out" '^ready$'
}
start_journal
listen=$(awk '$2 == "journal" {print $3}' "$work/journal.out")
printf 'reliability: { journals: [git.host1], journal_endpoints: { git.host1: "%s" } }\n' "$listen" \
    > weft.d/91-journal.yaml
half=$((published / 2))
head -n "$half" "$work/commits.jsonl" |
    "$weft" logger --json-input --service history --topic commit --durable --ack-timeout 20s
kill -9 "$journal"
wait "$journal" 2>/dev/null || true
echo "$half are on disk; the journal is dead, and the others are being published"
tail -n +$((half + 1)) "$work/commits.jsonl" |
    "$weft" logger --json-input --service history --topic commit --durable --ack-timeout 20s &
durable=$!
start_journal "$listen"
wait "$durable" || fail "not every commit was acknowledged as stored"
"$weft" tail --from beginning --topic 'history.**' --count "$published" > "$work/history.out" \
    2> "$work/history.err"
"$weft" journal verify

say "weft hub: three consumers of the same history, and it is killed with -9 in the middle"
cp "$scripts/../examples/exec_consumer.py" "$scripts/../examples/exec_consumer.sh" .
cat > weft.d/92-hub.yaml <<YAML
hub:
  consumers:
    - { name: counter, plugin: "$build/examples/consumer_plugin/commit_counter.so", topics: ["history.*"],
        replay: beginning, settings: { output: "$work/authors.json" } }
    - { name: database, exec: [./exec_consumer.py], topics: ["history.*"], replay: beginning,
        settings: { database: "$work/commits.db" } }
    - { name: list, exec: [./exec_consumer.sh, "$work/commits.txt"], topics: ["history.*"], replay: beginning }
YAML
"$weft" hub --check
start_hub() {
    : > "$work/hub.out"
    "$weft" hub > "$work/hub.out" 2>> "$work/hub.err" &
    hub=$!
    pids+=("$hub")
    wait_for "$work/hub.out" '^ready$'
}
start_hub
wait_for "$work/commits.txt" . 10
kill -9 "$hub"
wait "$hub" 2>/dev/null || true
echo "killed when the bash one had written $(wc -l < "$work/commits.txt") of $published"
start_hub
done_all() { python3 "$scripts/demo_report.py" hub "$work" "$published" 2> "$work/hub.report"; }
deadline=$((SECONDS + patience))
until done_all > "$work/hub.verdict"; do
    [ "$SECONDS" -lt "$deadline" ] || { cat "$work/hub.err" "$work/hub.report" >&2; fail "the consumers did not get every commit"; }
    read -rt 0.1 <> <(:) || true
done
"$weft" hub --list
kill "$hub"
wait "$hub" || fail "the hub did not stop cleanly"

say "weft gateway: HTTP onto the fabric; a message crosses in each direction, through RSE polling"
cat > weft.d/93-gateway.yaml <<YAML
reliability: { journal: { path: var/gateway, listen: "tcp://127.0.0.1:0" } }
gateway:
  listeners:
    - { address: "127.0.0.1:0", serve: [native, metrics] }
    - { address: "127.0.0.1:0", serve: [rse] }
  webhooks: { allow_http: true, allow_networks: ["127.0.0.0/8"] }
YAML
"$weft" tail --topic 'rse.**' > "$work/rse.out" 2> "$work/rse.err" &
pids+=($!)
wait_for "$work/rse.err" 'ready'
"$weft" gateway > "$work/gateway.out" 2> "$work/gateway.err" &
gateway=$!
pids+=("$gateway")
wait_for "$work/gateway.out" '^ready$'
grep listening "$work/gateway.out"
native=$(awk '$2 == "native" {print $3}' "$work/gateway.out")
rse=$(awk '$2 == "rse" {print $3}' "$work/gateway.out")
curl -sS -d '{"hash": "posted by curl"}' "$native/v1/topics/web.commit?durable=true"
echo
curl -sS "$native/v1/events?topic=web.*" | cut -c1-160
poller() { curl -sS -A "demo/1.0 uuid/12345678-1234-4234-8234-12345678901$1" "${@:2}"; }
"$weft" publish rse.commits --json '{"from": "a service on the fabric"}' > /dev/null
deadline=$((SECONDS + patience))
until poller 1 "$rse/commits" > "$work/polled.json" && grep -q 'a service on the fabric' "$work/polled.json"; do
    [ "$SECONDS" -lt "$deadline" ] || { cat "$work/gateway.err" >&2; fail "the poller did not see it"; }
    read -rt 0.1 <> <(:) || true
done
cat "$work/polled.json"
echo
poller 2 -d '{"from": "a poller"}' "$rse/commits"
wait_for "$work/rse.out" 'a poller'
tail -n 1 "$work/rse.out" | cut -c1-200

say "weft webhook: a commit of this repository arrives at a Python receiver, which verifies it by the public key"
"$scripts/../examples/webhook_receiver.py" --key-file "$work/webhook.key" > "$work/webhook.out" &
pids+=($!)
wait_for "$work/webhook.out" '^listening '
"$weft" webhook add "$(awk '{print $2}' "$work/webhook.out")" --topic 'hooked.*' --gateway "$native" > "$work/webhook.made"
awk '$1 == "public_key" {print $2}' "$work/webhook.made" > "$work/webhook.key"
sed 's/whsec_.*/whsec_... (for the receiver alone)/' "$work/webhook.made"
tail -n 1 "$work/commits.jsonl" | "$weft" logger --json-input --service hooked --topic commit
wait_for "$work/webhook.out" '"verified": "v1a"'
grep '"verified"' "$work/webhook.out" | cut -c1-240
"$weft" webhook list --gateway "$native"
kill "$gateway"
wait "$gateway" || fail "the gateway did not stop cleanly"

echo
cat "$work/hub.verdict"
python3 "$scripts/demo_report.py" history "$work/history.out" "$work/commits.jsonl"
python3 "$scripts/demo_report.py" count "$work/tail.out" "$published"
