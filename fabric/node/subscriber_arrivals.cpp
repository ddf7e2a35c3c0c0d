#include "fabric/node/subscriber_core.hpp"

#include <algorithm>

namespace weft::fabric {
namespace {

using signing::Refusal;
using std::chrono::milliseconds;

/// Topics whose glob decision is remembered.
constexpr std::size_t decisions_max = 10'000;
/// Failed proofs a second that a connection may cost us (C5). Behind a relay many publishers share
/// one connection, and a stranger's failures must not silence them: there the limit only bounds
/// CPU.
constexpr std::uint32_t failures_direct = 200;
constexpr std::uint32_t failures_through_relay = 5000;
/// Connections of which is remembered whether they are the relay's.
constexpr std::size_t connections_max = 4096;

}  // namespace

void Subscriber::Core::refuse(const signing::Refused& why, const Arrival& arrival, bool log) {
    {
        const std::scoped_lock lock(mutex);
        ++stats.refused[static_cast<std::size_t>(why.reason)];
    }
    const std::string peer = port->peer();
    if (hooks.warn && log) {
        if (const auto line = refusal_log.line(why, peer, arrival.topic, clock.steady())) {
            hooks.warn(*line);
        }
    }
    if (hooks.refused) {
        hooks.refused({why, arrival.topic, arrival.contents, arrival.proof, peer});
    }
}

bool Subscriber::Core::wanted(std::string_view topic) {
    if (const auto found = decisions.find(topic); found != decisions.end()) return found->second;
    const bool wanted = std::any_of(settings.globs.begin(), settings.globs.end(),
                                    [&](const auto& glob) { return glob.matches(topic); });
    if (decisions.size() >= decisions_max) decisions.clear();
    decisions.emplace(topic, wanted);
    return wanted;
}

Subscriber::Core::Novelty Subscriber::Core::novelty(const ContentHeader& header,
                                                    const Arrival& arrival, bool deliver) {
    const auto judged = replays->judge(header.epoch, header.seq, header.time_us);
    count_missing();
    if (judged.missing > 0) on_gap(header.epoch, header.seq - 1, judged.missing, arrival.topic);
    if (!judged.refused) return Novelty::fresh;
    if (judged.refused->reason == Refusal::replayed && !header.ack.empty() && deliver &&
        hooks.repeated) {
        return Novelty::asks_again;
    }
    if (judged.duplicate) {
        const std::scoped_lock lock(mutex);
        ++stats.duplicates;
    }
    refuse(*judged.refused, arrival, !judged.duplicate);
    return Novelty::refused;
}

void Subscriber::Core::count_missing() {
    if (replays->guard().counters().missing == stats.missing) return;
    const std::scoped_lock lock(mutex);
    copy_counters();
}

void Subscriber::Core::on_gap(std::uint64_t epoch, std::uint64_t to, std::uint64_t count,
                              std::string_view topic) {
    const Gap gap{verified_run.signer->name(), epoch, topic, to - count + 1, to, count};
    if (hooks.gap) hooks.gap(gap);
    if (!hooks.warn) return;
    if (const auto line = gap_log.line(gap, clock.steady())) hooks.warn(*line);
}

void Subscriber::Core::hand_over(const Message& message,
                                 const std::function<void(const Message&)>& consumer) {
    std::string error;
    try {
        consumer(message);
        return;
    } catch (const std::exception& thrown) {
        error = thrown.what();
    } catch (...) {
        error = "something that is no std::exception";
    }
    {
        const std::scoped_lock lock(mutex);
        ++stats.consumer_failed;
    }
    if (hooks.warn) {
        hooks.warn("the consumer of " + std::string{message.topic()} + " threw at message " +
                   message.id().text() + ": " + signing::escape(error));
    }
}

std::uint32_t Subscriber::Core::failures_allowed(const std::string& from) {
    if (settings.relay_outbound.empty()) return failures_direct;
    auto found = is_relay.find(from);
    if (found == is_relay.end()) {
        if (is_relay.size() >= connections_max) is_relay.clear();
        found = is_relay.emplace(from, port->may_be_from(settings.relay_outbound)).first;
    }
    return found->second ? failures_through_relay : failures_direct;
}

void Subscriber::Core::hang_up(const std::string& from) {
    // Asked anew: a descriptor may be another connection's by now, and the relay stays.
    if (!settings.relay_outbound.empty() && port->may_be_from(settings.relay_outbound)) return;
    // What had come before the end goes on coming, and finds it ended.
    if (!port->hang_up()) return;
    {
        const std::scoped_lock lock(mutex);
        ++stats.hung_up;
    }
    if (!hooks.warn) return;
    if (const auto line = hang_up_log.line(from, clock.steady())) hooks.warn(*line);
}

void Subscriber::Core::on_run(const Arrival& arrival, bool deliver) {
    auto run_bytes = std::make_shared<RunBytes>(arrival.topic, arrival.contents, arrival.proof);
    run_bytes->signer = verified_run.signer;
    run_bytes->verified = verified_run.verified;
    const std::string_view kept = run_bytes->contents;
    const std::shared_ptr<const RunBytes> shared = std::move(run_bytes);
    std::uint64_t delivered = 0, acks = 0, repeated = 0;
    if (replays) replays->begin(verified_run.signer->name(), arrival.topic, now_us);
    for (const signing::RunItem& item : verified_run.items) {
        if (!item.present) continue;
        const auto offset = static_cast<std::size_t>(item.content.data() - arrival.contents.data());
        const std::string_view content = kept.substr(offset, item.content.size());
        DecodedContent decoded;
        if (auto ok = decode_content(content, decoded); !ok) {
            refuse({Refusal::content_undecodable, ok.error()}, arrival);
            continue;
        }
        const bool is_message = verified_run.kind == signing::Kind::message;
        const Novelty found =
            replays && is_message ? novelty(decoded.header, arrival, deliver) : Novelty::fresh;
        if (found == Novelty::refused) continue;
        const Message message(shared, std::move(decoded), content, item.digest);
        if (verified_run.kind == signing::Kind::beacon) {
            on_beacon(message, arrival);
        } else if (found == Novelty::asks_again) {
            ++repeated;
            hand_over(message, hooks.repeated);
        } else if (verified_run.kind == signing::Kind::ack) {
            ++acks;
            hand_over(message, hooks.acknowledgement);
        } else if (deliver) {
            ++delivered;
            hand_over(message, hooks.deliver);
        }
    }
    const std::scoped_lock lock(mutex);
    ++stats.runs;
    stats.delivered += delivered;
    stats.acks += acks;
    stats.repeated += repeated;
}

void Subscriber::Core::on_arrival(const Arrival& arrival) {
    if (is_control(arrival.topic)) {
        on_control(arrival);
        return;
    }
    if (arrival.frames != 3) {
        refuse({Refusal::not_three_frames,
                std::to_string(arrival.frames) + " frame" + (arrival.frames == 1 ? "" : "s")},
               arrival);
        return;
    }
    // Before anything is remembered by topic: a stranger chooses its length.
    if (arrival.topic.size() > signing::TopicGlob::bytes_max) {
        refuse({Refusal::topic_invalid, std::to_string(arrival.topic.size()) + " bytes"}, arrival);
        return;
    }
    const bool maybe_beacon =
        !settings.beacon_root.empty() && arrival.topic.starts_with(settings.beacon_root);
    const bool matches = wanted(arrival.topic);
    if (!matches && !maybe_beacon) {
        const std::scoped_lock lock(mutex);
        ++stats.filtered;
        return;
    }
    now_us = clock.utc_us();
    const auto now = static_cast<signing::UtcSeconds>(now_us / 1'000'000);
    const std::string from = port->peer();
    const signing::Peer peer{from, failures_allowed(from)};
    const auto steady_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(clock.steady()).count());
    const auto believed = verifier.verify({arrival.topic, arrival.contents, arrival.proof}, peer,
                                          now, steady_ms, verified_run);
    if (!believed) {
        refuse(believed.error(), arrival);
        if (believed.error().reason == Refusal::peer_over_budget) hang_up(from);
        return;
    }
    if (verified_run.kind == signing::Kind::request || verified_run.kind == signing::Kind::answer) {
        // They go to one peer, and mean nothing to whoever overhears them.
        const std::scoped_lock lock(mutex);
        ++stats.other_kinds;
        return;
    }
    if (verified_run.kind == signing::Kind::message && !matches) {
        const std::scoped_lock lock(mutex);
        ++stats.filtered;
        return;
    }
    if (!settings.ack_root.empty() && verified_run.kind != signing::Kind::beacon &&
        arrival.topic.starts_with(settings.ack_root) != (verified_run.kind == signing::Kind::ack)) {
        refuse({Refusal::ack_topic_reserved,
                verified_run.signer ? "signer '" + verified_run.signer->name() + "'" : ""},
               arrival);
        return;
    }
    if (verified_run.kind == signing::Kind::ack && !(matches && hooks.acknowledgement)) {
        const std::scoped_lock lock(mutex);
        ++stats.other_kinds;
        return;
    }
    on_run(arrival, matches);
}

}  // namespace weft::fabric
