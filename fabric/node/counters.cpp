#include "fabric/node/counters.hpp"

#include "signing/refusal.hpp"

namespace weft::fabric {
namespace {

constexpr std::string_view dropped = "weft_messages_dropped_total";
constexpr std::string_view refused = "weft_refused_total";
constexpr std::string_view ignored = "weft_control_ignored_total";

std::string label(const std::string& name, const std::string& reason, std::string_view quote) {
    if (reason.empty()) return name;
    return name + "{reason=" + std::string{quote} + reason + std::string{quote} + "}";
}

}  // namespace

void Counters::add(std::string_view name, std::string_view reason, std::uint64_t value) {
    auto found = values_.find(name);
    if (found == values_.end())
        found = values_.emplace(std::string{name}, decltype(found->second){}).first;
    found->second[std::string{reason}] += value;
}

void Counters::add(const PublisherStats& stats) {
    add("weft_messages_published_total", "", stats.accepted);
    add("weft_messages_sent_total", "", stats.sent);
    add("weft_runs_sent_total", "", stats.runs);
    add("weft_tail_beacons_sent_total", "", stats.tail_beacons);
    add("weft_signatures_total", "", stats.signatures);
    add(dropped, "unwanted", stats.unwanted);
    add(dropped, "queue_full", stats.refused_full);
    add(dropped, "dropped_at_close", stats.dropped_at_close);
}

void Counters::add(const SubscriberStats& stats) {
    add("weft_messages_received_total", "", stats.delivered);
    add("weft_runs_received_total", "", stats.runs);
    add("weft_runs_filtered_total", "", stats.filtered);
    add("weft_runs_other_kinds_total", "", stats.other_kinds);
    add("weft_acks_received_total", "", stats.acks);
    add("weft_messages_repeated_total", "", stats.repeated);
    add("weft_consumer_failed_total", "", stats.consumer_failed);
    add("weft_root_cache_hits_total", "", stats.verifier.root_hits);
    add("weft_root_cache_misses_total", "", stats.verifier.root_misses);
    add(ignored, "barriers_over_limit", stats.barriers_ignored);
    add("weft_connections_ended_total", "failed_proofs", stats.hung_up);
    add("weft_trust_reloads_failed_total", "", stats.trust_reloads_failed);
    add("weft_duplicates_total", "", stats.duplicates);
    add("weft_gaps_total", "", stats.gaps);
    add("weft_messages_missing", "", stats.missing);
    add("weft_streams_forgotten_total", "streams", stats.streams_evicted);
    add("weft_streams_forgotten_total", "signers", stats.signers_evicted);
    for (std::size_t i = 0; i < stats.refused.size(); ++i) {
        add(refused, signing::name_of(static_cast<signing::Refusal>(i)), stats.refused[i]);
    }
}

void Counters::add(const RelayStats& stats) {
    add("weft_relay_runs_total", "", stats.messages);
    add("weft_relay_bytes_total", "", stats.bytes);
    add(refused, signing::name_of(signing::Refusal::not_three_frames), stats.not_three_frames);
    add(refused, signing::name_of(signing::Refusal::topic_invalid), stats.topic_invalid);
    constexpr std::string_view subscriptions = "weft_subscriptions_refused_total";
    add(subscriptions, "too_long", stats.subscriptions_too_long);
    add(subscriptions, "over_limit", stats.subscriptions_over_limit);
    add(subscriptions, "malformed", stats.subscriptions_malformed);
    add("weft_connections_refused_total", "handshake_failed", stats.handshakes_failed);
    add("weft_connections_refused_total", "accept_failed", stats.accepts_failed);
    add(subscriptions, "connection_gone", stats.subscriptions_of_gone);
    add("weft_connections_ended_total", "subscriptions_over_limit", stats.connections_ended);
    add("weft_relay_asked_for_everything_total", "", stats.asked_for_everything);
    add(ignored, "barriers_over_limit", stats.barriers_over_limit);
    add(ignored, "probes_over_limit", stats.probes_over_limit);
    add(ignored, "malformed", stats.control_malformed);
    add("weft_connections_let_in_total", "", stats.gate.let_in);
    add("weft_sockets_reopened_total", "", stats.gate.reopened);
    for (std::size_t i = 0; i < stats.gate.refused.size(); ++i) {
        add("weft_connections_refused_total", signing::name_of(static_cast<signing::Refusal>(i)),
            stats.gate.refused[i]);
    }
}

void Counters::add_subscription_dropped(std::uint64_t count) {
    add(dropped, "subscription_full", count);
}

std::uint64_t Counters::value(std::string_view name, std::string_view reason) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return 0;
    const auto at = found->second.find(std::string{reason});
    return at == found->second.end() ? 0 : at->second;
}

std::uint64_t Counters::total(std::string_view name) const {
    std::uint64_t sum = 0;
    const auto found = values_.find(name);
    if (found == values_.end()) return 0;
    for (const auto& [reason, value] : found->second) sum += value;
    return sum;
}

std::vector<std::string> Counters::lines(Show show) const {
    std::vector<std::string> all;
    for (const auto& [name, reasons] : values_) {
        for (const auto& [reason, value] : reasons) {
            if (value == 0 && show == Show::not_zero) continue;
            all.push_back(label(name, reason, "\"") + " " + std::to_string(value));
        }
    }
    return all;
}

std::string Counters::json(Show show) const {
    std::string text;
    for (const auto& [name, reasons] : values_) {
        for (const auto& [reason, value] : reasons) {
            if (value == 0 && show == Show::not_zero) continue;
            text += (text.empty() ? "{\"" : ",\"") + label(name, reason, "\\\"") +
                    "\":" + std::to_string(value);
        }
    }
    return text.empty() ? "{}" : text + "}";
}

}  // namespace weft::fabric
