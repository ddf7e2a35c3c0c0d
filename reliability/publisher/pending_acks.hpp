#pragma once
// One publish under way, as its handles and the tracker know it. Inside of this library.
// Threads: any, by its mutex.

#include <condition_variable>
#include <mutex>
#include <optional>

#include "reliability/reliable_publisher.hpp"

namespace weft::reliability {

struct PendingAcks::Shared final : Waiter {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Outcome> outcome;  // never changes once it is there
    bool ended = false;              // there is an outcome; the outbox may not know yet
    bool settled = false;            // whoever waits may know
    fabric::MessageId kept;          // in the outbox; none: it is not
    ReliablePublisher::OnSettled on_settled;
};

}  // namespace weft::reliability
