#pragma once
// One read of the journal for the bridge, done in parts: so that a long one takes turns with
// others. Each part is bounded in messages, bytes and runs that it passes over.
// Threads:   one at a time. Ownership: the journal outlives it.
// Errors:    what was read before something that cannot be read is given; the error is the next
//            answer.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::gateway {

class EventReading {
public:
    /// Told of each message whose proof did not hold.
    using OnRefused = std::function<void(const reliability::StoredRefusal&)>;

    EventReading(reliability::Journal& journal, ReadRequest request)
        : journal_(journal), request_(std::move(request)) {}

    /// The next part. Nothing: there is more to do.
    [[nodiscard]] std::optional<BridgeResult<EventPage>> go_on(
        reliability::StoredVerifier& verifier, const OnRefused& on_refused);

private:
    using Done = std::optional<BridgeResult<EventPage>>;
    using Events = std::deque<StoredEvent>;

    [[nodiscard]] Done begin();
    [[nodiscard]] Done rising(reliability::StoredVerifier& verifier, const OnRefused& on_refused);
    [[nodiscard]] Done newest(reliability::StoredVerifier& verifier, const OnRefused& on_refused);
    [[nodiscard]] reliability::JournalResult<reliability::Page> read(reliability::JournalId after,
                                                                     reliability::JournalId through,
                                                                     std::uint64_t messages,
                                                                     std::size_t bytes);
    /// Calls `take` for what is believed and kept, until it says false.
    void verify(const reliability::Page& page, reliability::StoredVerifier& verifier,
                const OnRefused& on_refused, const std::function<bool(StoredEvent)>& take);
    [[nodiscard]] Done end_window();
    void open_window(reliability::JournalId through);
    [[nodiscard]] Done finish();

    reliability::Journal& journal_;
    const ReadRequest request_;
    EventPage page_;
    bool began_ = false;
    reliability::JournalEpoch epoch_ = 0;
    reliability::JournalId through_ = 0;  // what was asked for, or the head when it began
    reliability::JournalId after_ = 0;    // done up to here; Order::newest: nothing below
    Events events_;
    std::size_t bytes_ = 0;

    // Order::newest: windows of ids from the head down, each read upwards. They are behind `from`,
    // up to and with `through`, and done up to `at`.
    struct Window {
        reliability::JournalId from = 0, through = 0, at = 0;
        std::uint64_t size = 0;
        Events events;
        std::size_t bytes = 0;
    } window_;
    bool left_out_ = false;                         // older ones, for want of room
    std::optional<reliability::JournalGap> below_;  // what trimming took, if we get there
};

}  // namespace weft::gateway
