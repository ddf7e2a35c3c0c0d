#pragma once
// One worker of an ExecHost: its process, and the messages that go through it.
// Threads:   handle() by one thread at a time; give_up(), stop…() and pid() from any.
// Ownership: the process; `surroundings` outlives the last call.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "reliability/hub/child_process.hpp"
#include "reliability/hub/descriptor.hpp"
#include "reliability/hub/error_log.hpp"
#include "reliability/hub/exec_answer.hpp"
#include "reliability/hub/handler.hpp"
#include "reliability/hub/line_exchange.hpp"

namespace weft::reliability::hub {

class ExecWorker {
public:
    using Instant = std::chrono::steady_clock::time_point;

    /// Throws std::system_error if there are no descriptors left.
    ExecWorker(ConsumerSettings settings, Surroundings& surroundings,
               std::shared_ptr<ErrorLog> errors);

    [[nodiscard]] tl::expected<void, std::string> start();
    [[nodiscard]] Verdict handle(const fabric::Message& message, unsigned attempt);
    void give_up() noexcept;
    [[nodiscard]] pid_t pid() const;  ///< 0 while none runs.

    /// Gives up, and closes the program's stdin once handle() has returned, but waits no longer for
    /// that than until `deadline`.
    void begin_stop(Instant deadline);
    /// Waits until it has ended, then kills it.
    void end_stop(Instant deadline);

    static constexpr std::chrono::milliseconds pause_first{100}, pause_most{10'000};

private:
    [[nodiscard]] Verdict handle_line(const std::string& line, const fabric::MessageId& id);
    [[nodiscard]] bool left() const noexcept { return left_; }
    void look_between();
    [[nodiscard]] std::optional<Verdict> await_process(Instant deadline);
    [[nodiscard]] bool pause_until(Instant until);
    [[nodiscard]] Verdict after_end(const Exchanged& exchanged);
    [[nodiscard]] Verdict on_answer(const std::string& text, const fabric::MessageId& id);
    [[nodiscard]] Verdict publish(const AnswerPublish& messages, const fabric::MessageId& id);
    [[nodiscard]] Verdict kill_and_retry(std::string reason);
    /// The process is gone: when may the next one start?
    void forget_process();
    void warn(const std::string& line) const;
    [[nodiscard]] std::shared_ptr<ChildProcess> child() const;

    const ConsumerSettings settings_;
    Surroundings& surroundings_;
    const std::shared_ptr<ErrorLog> errors_;
    const Descriptor wake_;
    std::atomic<bool> left_{false};

    mutable std::mutex mutex_;
    std::condition_variable idle_;
    bool busy_ = false;                    ///< handle() is under way.
    std::shared_ptr<ChildProcess> child_;  ///< Changed by handle() and start() alone.

    // Of whoever is in handle().
    std::uint64_t answers_ = 0;  ///< Of this process.
    unsigned barren_ = 0;        ///< Processes in a row that answered nothing.
    Instant not_before_{};
    std::string last_end_;
};

}  // namespace weft::reliability::hub
