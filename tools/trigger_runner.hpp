#pragma once
// Runs a command for each message: `weft trigger`.
//
// Threads: on_… from any; `parallel` threads of its own run commands, each one at a time, and each
//          has its process started by a thread of its own (reliability/hub/child_process.hpp).
// Limits:  `queue` messages wait; beyond, a live one is dropped and counted, one out of a journal
//          waits for room.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reliability/hub/child_process.hpp"
#include "reliability/hub/descriptor.hpp"
#include "tools/follow_sink.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {

struct TriggerPlan {
    std::vector<std::string> command;  ///< A program and its arguments; never a shell.
    std::uint64_t count = 0;           ///< End after so many; 0: never.
    std::chrono::milliseconds timeout{30'000};
    unsigned parallel = 1;
    std::size_t queue = 1'000;
    bool wait_for_room = false;  ///< What is delivered can wait: it comes out of a journal.
};

class TriggerRunner final : public FollowSink {
public:
    struct Stats {
        std::uint64_t ran = 0, failed = 0, dropped = 0;
        std::uint64_t left = 0;  ///< Waited when it was stopped.
    };

    TriggerRunner(TriggerPlan plan, StopSignal& stop);
    ~TriggerRunner() override;

    bool on_message(const fabric::Message& message,
                    std::optional<std::uint64_t> journal_id = std::nullopt) override;
    void on_gap(const reliability::JournalGap& gap) override;
    using FollowSink::on_gap;

    /// Takes no more, starts no more, and gives what runs so long to end; then it is killed.
    void stop(std::chrono::milliseconds patience);
    [[nodiscard]] Stats stats() const;

private:
    using Instant = std::chrono::steady_clock::time_point;
    struct Item {
        fabric::Message message;
        std::optional<std::uint64_t> journal_id;
    };

    void work();
    [[nodiscard]] std::optional<Item> next();
    /// "" or why it failed.
    [[nodiscard]] std::string run(const Item& item);
    [[nodiscard]] std::string see_through(reliability::hub::ChildProcess& child,
                                          std::string_view input);
    void finished(const Item& item, const std::string& failure);

    const TriggerPlan plan_;
    StopSignal& stop_;
    const reliability::hub::Descriptor stop_event_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<Item> queue_;
    std::uint64_t accepted_ = 0;
    Stats stats_;
    bool stopping_ = false;
    Instant end_by_{};

    std::vector<std::jthread> workers_;  // last: they use everything above
};

}  // namespace weft::tools
