#pragma once
// Every figure that a node keeps, under one name each, in the form that Prometheus reads:
//
//     weft_messages_sent_total 1200
//     weft_messages_dropped_total{reason="queue_full"} 3
//     weft_refused_total{reason="signature_bad"} 1
//
// Names and reasons are a closed set; nothing foreign stands in them. What libzmq drops for a slow
// peer is in none of these: only the receiver sees it, as a hole in the sequence.
// Threads: a plain value.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/node/publisher.hpp"
#include "fabric/node/relay.hpp"
#include "fabric/node/subscriber.hpp"

namespace weft::fabric {

class Counters {
public:
    /// Adds to what is there under that name; `reason` may be empty.
    void add(std::string_view name, std::string_view reason, std::uint64_t value);
    void add(const PublisherStats& stats);
    void add(const SubscriberStats& stats);
    void add(const RelayStats& stats);
    /// Messages that waited in a Subscription until its queue was full.
    void add_subscription_dropped(std::uint64_t dropped);

    /// 0 for a name that was never added.
    [[nodiscard]] std::uint64_t value(std::string_view name, std::string_view reason = {}) const;
    /// Sum over all reasons.
    [[nodiscard]] std::uint64_t total(std::string_view name) const;

    enum class Show { all, not_zero };
    /// One `name{reason="…"} value` each, in the order of names and reasons.
    [[nodiscard]] std::vector<std::string> lines(Show show = Show::not_zero) const;
    /// `{"name{reason=\"…\"}":value,…}`.
    [[nodiscard]] std::string json(Show show = Show::not_zero) const;

private:
    std::map<std::string, std::map<std::string, std::uint64_t>, std::less<>> values_;
};

}  // namespace weft::fabric
