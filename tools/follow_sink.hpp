#pragma once
// Who is told what a Follower hears. Threads: on_… from any.

#include <cstdint>
#include <optional>

#include "fabric/fabric.hpp"
#include "reliability/journal/position.hpp"
#include "reliability/repair/gap_tracker.hpp"

namespace weft::tools {

class FollowSink {
public:
    virtual ~FollowSink() = default;
    /// True if it was taken: with --ack only then `processed` is said.
    virtual bool on_message(const fabric::Message& message,
                            std::optional<std::uint64_t> journal_id = std::nullopt) = 0;
    /// What a journal no longer has.
    virtual void on_gap(const reliability::JournalGap& gap) = 0;
    // The following only with show_refused.
    virtual void on_refused(const fabric::RefusedMessage& /*refused*/) {}
    virtual void on_gap(const fabric::Gap& /*gap*/) {}
    /// Given up, after the journals were asked.
    virtual void on_lost(const reliability::Lost& /*lost*/) {}
};

}  // namespace weft::tools
