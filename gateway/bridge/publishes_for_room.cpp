#include "gateway/bridge/publishes_for_room.hpp"

#include <algorithm>
#include <utility>

namespace weft::gateway {
namespace {

using std::chrono::milliseconds;

/// A stop is noticed after so long.
constexpr milliseconds at_a_time{100};

}  // namespace

PublishesForRoom::PublishesForRoom(const fabric::Clock& clock, const Limits& limits)
    : clock_(clock), limits_(limits), worker_(1, limits.waiting_max) {}

bool PublishesForRoom::wait(std::size_t bytes, Attempt attempt, NoRoom no_room) {
    // One always finds room, however large.
    if (bytes_.fetch_add(bytes) > 0 && bytes_ > limits_.bytes_max) {
        bytes_ -= bytes;
        return false;
    }
    ++waiting_;
    const fabric::Instant deadline = clock_.steady() + limits_.patience;
    const bool posted = worker_.post([this, bytes, deadline, attempt = std::move(attempt),
                                      no_room = std::move(no_room)](Workers::Turn turn) {
        serve(deadline, attempt, no_room, turn.stopped);
        // Not before: who comes meanwhile is behind it.
        bytes_ -= bytes;
        --waiting_;
    });
    if (!posted) {
        bytes_ -= bytes;
        --waiting_;
    }
    return posted;
}

void PublishesForRoom::serve(fabric::Instant deadline, const Attempt& attempt,
                             const NoRoom& no_room, bool stopped) const {
    while (!stopped && !stopping_) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady());
        if (attempt(std::clamp(left, milliseconds{0}, at_a_time))) return;
        if (left <= at_a_time) return no_room(false);
    }
    no_room(true);
}

void PublishesForRoom::stop() {
    stopping_ = true;
    worker_.stop();
}

}  // namespace weft::gateway
