#pragma once
// Who wants to be told when something is stored, ten thousand of them: found by topic, not asked
// one by one. Told what is stored, and the time, by whoever follows the journal.
//
// Threads:   every function from any thread. Callbacks run in the thread that caused them, outside
//            of the lock.
// Limits:    `waiters_max`; one more is told `full` at once.
// Races:     what was stored lately is remembered by topic (newest_ids.hpp), so that what came
// between
//            somebody's read and their wait is not missed; a place older than that is told `stored`
//            at once, and reads.

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "fabric/message/filter_index.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/newest_ids.hpp"

namespace weft::gateway {

class Waiters {
public:
    using Ticket = FabricBridge::Ticket;

    /// Nothing up to `head` will be announced.
    Waiters(std::size_t waiters_max, reliability::JournalId head);

    /// 0: `done` has been called already.
    Ticket add(reliability::JournalId after, const reliability::TopicFilter& filter,
               fabric::Instant deadline, FabricBridge::OnWoken done);
    void forget(Ticket ticket);

    /// A topic got messages, the newest of which is `last`; ids rise from call to call.
    void stored(std::string_view topic, reliability::JournalId last);
    /// Nobody knows what was stored up to this id: everybody reads.
    void unknown(reliability::JournalId last);
    /// Tells those whose time is up.
    void tick(fabric::Instant now);
    [[nodiscard]] std::optional<fabric::Instant> next_deadline() const;
    void stop();  ///< Tells everybody, and who comes later.

    [[nodiscard]] std::size_t size() const;
    /// False: of what this was told, nothing that matches came after the id. True after stop():
    /// whoever reads then is told so.
    [[nodiscard]] bool may_have_had(reliability::JournalId after,
                                    const reliability::TopicFilter& filter) const;

private:
    struct Waiter {
        reliability::JournalId after;
        reliability::TopicFilter filter;
        fabric::Instant deadline;
        FabricBridge::OnWoken done;
    };
    /// With mutex_ held.
    [[nodiscard]] FabricBridge::OnWoken take(Ticket ticket);

    const std::size_t waiters_max_;
    mutable std::mutex mutex_;
    std::unordered_map<Ticket, Waiter> waiters_;
    std::multimap<fabric::Instant, Ticket> deadlines_;
    fabric::FilterIndex index_;
    NewestIds newest_;
    Ticket last_ticket_ = 0;
    bool stopped_ = false;
};

}  // namespace weft::gateway
