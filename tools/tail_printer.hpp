#pragma once
// What `weft tail` is told, and what of a message it prints.
// Threads: on_… from any, one line at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/journal/position.hpp"
#include "reliability/repair/gap_tracker.hpp"
#include "tools/follow_sink.hpp"
#include "tools/line_writer.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {

struct TailFlags {
    std::vector<std::string> topics;
    bool json = false, pretty = false, terse = false, raw = false;
    bool no_validate = false, show_refused = false, ack = false;
    std::string include, exclude, query, from, journal;
    std::uint64_t count = 0;
    std::chrono::milliseconds ready_timeout{2000};
};

/// Exit 2 for a pattern that is none.
class TailPrinter final : public FollowSink {
public:
    TailPrinter(const TailFlags& flags, StopSignal& stop);

    /// True if it was printed, and whoever reads our output took the line.
    bool on_message(const fabric::Message& message,
                    std::optional<std::uint64_t> journal_id = std::nullopt) override;
    void on_refused(const fabric::RefusedMessage& refused) override;
    /// On stderr it is said anyway, at most once a second.
    void on_gap(const fabric::Gap& gap) override;
    /// What a journal no longer has: readers are told, never left in silence.
    void on_gap(const reliability::JournalGap& gap) override;
    /// Given up, after the journals were asked.
    void on_lost(const reliability::Lost& lost) override;

private:
    bool on_raw(const fabric::Message& message);
    bool print(const std::string& line);

    const TailFlags& flags_;
    StopSignal& stop_;
    std::mutex mutex_;  // guards what follows
    LineWriter writer_{stop_};
    std::optional<std::regex> include_, exclude_;
    std::shared_ptr<const fabric::RunBytes> last_run_;
    std::uint64_t printed_ = 0;
    bool done_ = false;
};

}  // namespace weft::tools
