#pragma once
// Publishes that are answered once they are on the disk of our own journal.
//
// How:     the message goes out like any other, and comes back to our recorder, which tells us the
//          id that it has in the journal. One way into the journal: the order of a topic, the proof
//          and the check for copies are those of every other message. While it has not come back
//          its very bytes are sent again now and then; copies are known by their number.
// Threads: one, for what is due. publish() from any thread; awaited() and
//          answered() are the recorder's. `done` runs in the journal's writer, in our thread, or in
//          that of publish() or stop().
// Limits:  PendingLimits; beyond them `busy`.
// Stop:    stop() waits a little for what is under way; the rest, and all that comes, is answered
//          `stopped`.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fabric/node/publisher.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/pending_publishes.hpp"
#include "reliability/service/recorder.hpp"

namespace weft::gateway {

class DurablePublishes {
public:
    using OnPublished = FabricBridge::OnPublished;

    /// Both outlive it. `publisher` signs.
    DurablePublishes(fabric::Publisher& publisher, const fabric::Clock& clock,
                     const PendingLimits& limits);
    ~DurablePublishes();
    DurablePublishes(const DurablePublishes&) = delete;
    DurablePublishes& operator=(const DurablePublishes&) = delete;

    /// Waits for room in the sending queue as the options say. False: there was none, and `done`,
    /// which is taken otherwise, has not been called.
    [[nodiscard]] bool publish(const std::string& topic, fabric::BodyView body,
                               fabric::PublishOptions options, OnPublished& done);

    [[nodiscard]] bool awaited(const fabric::Message& message) const;
    void answered(const std::vector<reliability::AwaitedMessage>& messages,
                  const reliability::JournalError* error);

    void stop(std::chrono::milliseconds patience);
    [[nodiscard]] std::size_t waiting() const;
    /// Bytes that left once more.
    [[nodiscard]] std::uint64_t sent_again() const;

private:
    class Sealing;
    using Pending = PendingPublishes<OnPublished>;

    void run(const std::stop_token& stop);
    void tell_expired(std::vector<Pending::Ended>& expired) const;

    fabric::Publisher& publisher_;
    const fabric::Clock& clock_;
    const PendingLimits limits_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    Pending pending_;
    fabric::Instant wakes_at_{};
    bool stopping_ = false;
    std::uint64_t sent_again_ = 0;

    std::jthread thread_;  // last: it uses everything above
};

}  // namespace weft::gateway
