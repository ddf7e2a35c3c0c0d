#include "fabric/node/subscriber_core.hpp"

#include "fabric/node/beacon.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;

/// Barriers that are answered in one tick; a flood of them is somebody's mischief.
constexpr int barriers_per_tick_max = 1000;

}  // namespace

void Subscriber::Core::on_control(const Arrival& arrival) {
    if (arrival.topic == probe) {
        const std::scoped_lock lock(mutex);
        ++answered;
        changed.notify_all();
        return;
    }
    const std::string_view nonce = nonce_of(arrival.topic, barrier_prefix);
    if (nonce.empty()) return;
    if (++barriers_this_tick > barriers_per_tick_max) {
        const std::scoped_lock lock(mutex);
        ++stats.barriers_ignored;
        return;
    }
    const std::string echo = std::string{echo_prefix} + std::string{nonce};
    port->subscribe(echo);
    port->unsubscribe(echo);
}

void Subscriber::Core::on_tail_beacon(const Message& beacon, const Arrival& arrival) {
    const auto last = replays ? last_announced(beacon) : std::nullopt;
    if (last) {
        const auto judged = replays->tail(beacon.epoch(), *last, beacon.time_us());
        count_missing();
        if (judged.refused) return refuse(*judged.refused, arrival);
        if (judged.missing > 0) on_gap(beacon.epoch(), *last, judged.missing, arrival.topic);
    }
    const std::scoped_lock lock(mutex);
    ++(last ? stats.tail_beacons : stats.other_kinds);
}

void Subscriber::Core::on_beacon(const Message& beacon, const Arrival& arrival) {
    if (settings.beacon_root.empty() || !arrival.topic.starts_with(settings.beacon_root)) {
        return on_tail_beacon(beacon, arrival);
    }
    const std::string_view name = beacon.topic().substr(settings.beacon_root.size());
    if (beacon.signer().empty() || name != beacon.signer()) {
        refuse({Refusal::name_mismatch, std::string{beacon.signer()}}, arrival);
        return;
    }
    if (replays) {
        const auto judged = replays->judge_time(beacon.time_us());
        if (judged.refused) return refuse(*judged.refused, arrival);
    }
    for (const std::string& endpoint : announced_endpoints(beacon)) {
        if (settings.curve) settings.curve->announce(endpoint, *verified_run.signer);
        apply(directory.on_announcement(std::string{name}, endpoint, clock.steady()));
    }
}

}  // namespace weft::fabric
