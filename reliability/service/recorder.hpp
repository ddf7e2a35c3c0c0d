#pragma once
// Records what passes on the fabric into a journal, and acknowledges `stored` what asks for it,
// once it is durable (A6).
//
// How:      each run that arrives is appended as it came, without the messages that are not new;
//           everything that arrived meanwhile shares one commit. What is asked again is looked up
//           in the journal, so that also a journal that was killed answers for what it has. A
//           message is recorded also after its deadline: it has passed, and others may need it.
// Promises: `stored` is said after the journal's append() has answered, and never for what failed:
//           that is rejected, with the reason, at once.
//           What is ahead of its place in its stream waits a moment for the others, so that a
//           publisher's order survives that the journal was away (stream_order.hpp).
// Threads:  one, which lets go what waited in vain; the subscriber's thread gathers and appends,
// the
//           journal's writer says the ACKs. Everything here from any thread.
// Limits:   `in_flight_messages` and `in_flight_bytes` wait for the journal; then the subscriber's
//           thread waits, and what the fabric drops meanwhile is a hole that others can see.
// Needs:    a certificate with the role journal, signing and validation on. Throws
//           fabric::OpenFailed otherwise. `fabric` and `journal` must outlive it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/service/stream_order.hpp"

namespace weft::reliability {

/// A message for which somebody in this process waits.
struct AwaitedMessage {
    fabric::MessageId id;
    JournalId stored = 0;  ///< 0: it was not.
};

struct RecorderOptions {
    std::size_t in_flight_messages = 65'536;
    std::size_t in_flight_bytes = std::size_t{64} << 20;
    std::function<void(const fabric::Gap&)> gap{};
    /// Asked of each message that is recorded, in the subscriber's thread: does somebody in this
    /// process wait for it? Its stream is then put in order as if it asked for `stored`, and
    /// `answered` says what the journal did. Neither may block or throw.
    std::function<bool(const fabric::Message&)> awaited{};
    /// True: somebody else in this process answers what such a message asks of us, unless that is
    /// `stored`; it is recorded as one that asks for nothing. In the subscriber's thread; empty:
    /// none.
    std::function<bool(const fabric::Message&)> answered_elsewhere{};
    /// In the journal's writer, once it has answered, with all that it answered at once. `error`
    /// null: they are durable and can be read.
    std::function<void(const std::vector<AwaitedMessage>&, const JournalError* error)> answered{};
};

struct RecorderStats {
    std::uint64_t recorded = 0;         ///< Messages that the journal has stored.
    std::uint64_t not_recorded = 0;     ///< Messages that it could not store.
    std::uint64_t found_again = 0;      ///< Asked again, and answered from the journal.
    std::uint64_t waiting = 0;          ///< Handed to the journal, not answered yet.
    std::uint64_t waited_for_room = 0;  ///< Times that the limits held up the subscriber.
    std::uint64_t acknowledged = 0, rejected = 0;  ///< Messages whose publishers were told.
    std::uint64_t acks_not_sent = 0, requests_malformed = 0;
    StreamOrder::Stats order;
    fabric::SubscriberStats subscriber;
};

/// Of `reliability.journal.topics`, what a recorder subscribes to: without those that leave out;
/// everything if there are no others.
[[nodiscard]] std::vector<std::string> recorded_globs(const fabric::TopicSpace& space,
                                                      std::vector<std::string> globs);

class Recorder {
public:
    /// Globs may be short; none: all. "!GLOB": not those, unless somebody waits for their ACK.
    Recorder(fabric::Fabric& fabric, Journal& journal, const std::vector<std::string>& globs,
             RecorderOptions options = {});
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// See fabric::Subscriber::wait_ready; also waits until ACKs can leave.
    [[nodiscard]] fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout);
    /// Receives nothing more; returns once the journal has answered for what was handed to it. The
    /// destructor does the same.
    void stop();
    [[nodiscard]] RecorderStats stats() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
