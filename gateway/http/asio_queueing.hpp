#pragma once
// The producers' end of a send queue, the same for streams and WebSockets. Threads: any.

#include <utility>

#include "gateway/http/send_queue.hpp"
#include "gateway/http/server_counters.hpp"

namespace weft::gateway {

/// Queues `item`; `wake` brings the io thread where it has to come. False: the queue is closed, or
/// so much waits unread that it has been closed now, and counted.
template <typename Wake>
bool put_or_cut_off(SendQueue& queue, SendQueue::Item item, ServerCounters& counters,
                    const Wake& wake) {
    switch (queue.put(std::move(item))) {
        case SendQueue::Put::queued:
            return true;
        case SendQueue::Put::wake:
            wake();
            return true;
        case SendQueue::Put::overflow:
            ++counters[Count::slow_reader];
            wake();
            return false;
        case SendQueue::Put::closed:
            break;
    }
    return false;
}

}  // namespace weft::gateway
