#pragma once
// When the next poll is to come again: soon where events came lately, less often where nothing does
// (R165). Threads: any. Limits: channels_max; the oldest go first, and count as idle.

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "fabric/transport/clock.hpp"

namespace weft::gateway::rse {

class Activity {
public:
    static constexpr std::size_t channels_max = 16'384;
    static constexpr std::chrono::seconds active_poll{5}, idle_poll{30};
    static constexpr std::chrono::minutes stays_active{2};

    /// `ttl`: a client that keeps to it must not miss anything.
    explicit Activity(std::chrono::milliseconds ttl) : ttl_(ttl) {}

    void happened(const std::string& channel, fabric::Instant now);
    [[nodiscard]] std::chrono::seconds poll_after(const std::string& channel,
                                                  fabric::Instant now) const;

private:
    const std::chrono::milliseconds ttl_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, fabric::Instant> last_;
    std::deque<std::string> order_;
};

}  // namespace weft::gateway::rse
