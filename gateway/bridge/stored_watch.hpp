#pragma once
// Tells waiters what a journal stores: one watch of its head, and one thread that looks which
// topics came.
//
// Threads:   one, which reads the journal while somebody waits, and calls back. Every function from
//            any; none blocks. stop() and the destructor not from a callback.
// Ownership: journal and clock must outlive it.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/waiters.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::gateway {

class StoredWatch {
public:
    /// Looks into the journal, at some time in some thread, whether something that matches was
    /// stored after the id, and says so; also if it cannot be known. False: not now, and `say` is
    /// not called.
    using Look =
        std::function<bool(reliability::JournalId after, const reliability::TopicFilter& filter,
                           std::function<void(bool came)> say)>;

    StoredWatch(reliability::Journal& journal, const fabric::Clock& clock,
                const WaiterLimits& limits, Look look);
    ~StoredWatch();
    StoredWatch(const StoredWatch&) = delete;
    StoredWatch& operator=(const StoredWatch&) = delete;

    [[nodiscard]] FabricBridge::Ticket wait(reliability::JournalId after,
                                            const reliability::TopicFilter& filter,
                                            std::chrono::milliseconds timeout,
                                            FabricBridge::OnWoken done);
    void forget(FabricBridge::Ticket ticket);
    /// Who waits is told so, by this thread, before it returns; so is who comes later, at once.
    void stop();
    [[nodiscard]] std::size_t waiting() const;

private:
    struct Core;
    std::shared_ptr<Core> core_;  // those who look may come back late
};

}  // namespace weft::gateway
