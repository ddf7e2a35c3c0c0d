#pragma once
// When a publisher says of a topic which number came last: soon after it went quiet, then ever more
// seldom, then no more. Pure; time comes in.
// Threads: confined to the sender's thread.
// Limits:  topics_max topics at a time, as many as a receiver follows; the rest is counted.

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "fabric/transport/clock.hpp"

namespace weft::fabric {

struct OutgoingTopic;

class TailSchedule {
public:
    static constexpr std::size_t topics_max = 10'000;
    /// Quiet for the first, and then for so much longer each time.
    static constexpr std::array<Instant, 6> pauses{
        std::chrono::milliseconds{250}, std::chrono::seconds{1}, std::chrono::seconds{2},
        std::chrono::seconds{4},        std::chrono::seconds{8}, std::chrono::seconds{16}};

    struct Tail {
        OutgoingTopic* topic = nullptr;
        std::uint64_t last = 0;
    };

    /// Number `last` of this topic has just been sent, or would have been.
    void sent(OutgoingTopic& topic, std::uint64_t last, Instant now);
    /// Fills `due` with the topics whose time has come, at most `max`; the others are due later.
    void take_due(Instant now, std::size_t max, std::vector<Tail>& due);

    [[nodiscard]] std::size_t topics() const noexcept { return places_.size(); }
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

private:
    struct Entry {
        Tail tail;
        std::size_t step = 0;
        Instant due{};
    };
    // One list a step: all of a list wait equally long, so each is in order by itself.
    using List = std::list<Entry>;
    std::array<List, pauses.size()> steps_;
    std::unordered_map<const OutgoingTopic*, List::iterator> places_;
    std::uint64_t left_out_ = 0;
};

}  // namespace weft::fabric
