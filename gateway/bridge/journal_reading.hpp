#pragma once
// One read of a journal on its way, in slices: so that many reads share few threads, and a long one
// takes turns. What FabricBridge::read promises is kept here.
// Threads: one at a time. Limits: one slice looks at slice_runs runs and slice_bytes bytes.

#include <cstdint>
#include <deque>
#include <functional>

#include "gateway/bridge/fabric_bridge.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::gateway {

class JournalReading {
public:
    static constexpr std::uint64_t slice_runs = 16'384;
    static constexpr std::size_t slice_bytes = std::size_t{1} << 20;
    static constexpr std::uint64_t window_first = 256;

    using OnRefused = std::function<void(const reliability::StoredRefusal&)>;
    explicit JournalReading(ReadRequest request) : request_(std::move(request)) {}

    /// One slice; true: result() is there.
    [[nodiscard]] bool step(reliability::Journal& journal, reliability::StoredVerifier& verifier,
                            const OnRefused& on_refused = {});
    /// Once, after step() said true.
    [[nodiscard]] BridgeResult<EventPage> result() { return std::move(result_); }

private:
    struct Slice {
        std::vector<StoredEvent> events;
        std::size_t bytes = 0;
    };
    /// Where to begin, and the watermark. True: there is nothing to read.
    bool begin(reliability::Journal& journal);
    bool fail(const reliability::JournalError& error);
    bool step_rising(reliability::Journal& journal, reliability::StoredVerifier& verifier,
                     const OnRefused& on_refused);
    bool step_newest(reliability::Journal& journal, reliability::StoredVerifier& verifier,
                     const OnRefused& on_refused);
    bool end_window();
    void open_window();
    Slice events_of(const reliability::Page& page, reliability::StoredVerifier& verifier,
                    const OnRefused& on_refused);

    ReadRequest request_;
    BridgeResult<EventPage> result_{};
    bool begun_ = false;
    reliability::Position at_{};
    reliability::JournalId through_ = 0;  ///< Of this read, or of the window.
    std::size_t bytes_ = 0;
    bool any_slice_ = false;

    // Order::newest goes through windows of ids, the newest first, each by rising ids.
    reliability::JournalId floor_ = 0;    ///< Nothing up to here.
    reliability::JournalId ceiling_ = 0;  ///< What comes after it has been given.
    std::uint64_t window_ = window_first;
    std::deque<StoredEvent> tail_;  ///< The newest of the window that fit.
    std::size_t tail_bytes_ = 0;
    bool cut_ = false;
};

}  // namespace weft::gateway
