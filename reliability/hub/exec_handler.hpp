#pragma once
// A consumer that is a program in any language: it reads one JSON message a line on stdin and
// answers one line on stdout (exec_answer.hpp). It stays between messages, one process for each
// worker; one that handles a message and ends is started again.
//
// What it gets: the JSON form of the message (fabric/message/json_form.hpp) with "attempt", from 1,
// and "consumer". Its environment: WEFT_CONSUMER, WEFT_HUB, and WEFT_SETTINGS, its settings as
// JSON; what its key `environment` says; and little of ours (program_environment.hpp).
//
// A process that does not answer in time, answers what is no answer, or says something unasked is
// killed with its group; the message is a retry, and the next one gets a new process. A program
// that ends without having answered anything is started again after a pause: 100 ms, then twice as
// long each time, at most 10 s; the pause counts for the message's timeout.
//
// Threads: as handler.hpp says; details() from any. A thread for each process (child_process.hpp).

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "reliability/hub/error_log.hpp"
#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

class ExecWorker;

class ExecHost final : public HandlerHost {
public:
    /// `settings.exec` is not empty (asserted). `surroundings` outlives it.
    ExecHost(ConsumerSettings settings, Surroundings& surroundings);
    /// Kills what still runs.
    ~ExecHost() override;

    /// Starts the process of the first worker, so that a program that is missing is an error now.
    [[nodiscard]] tl::expected<void, std::string> start() override;
    /// May outlive this host; its handle() says `left` then.
    [[nodiscard]] std::unique_ptr<Handler> make() override;
    /// Closes every stdin; kills what has not ended after `patience`.
    void stop(std::chrono::milliseconds patience) override;
    [[nodiscard]] bool keeps_timeout() const override { return true; }
    /// "pid 4711", "pids 4711, 4712", or "" while none runs.
    [[nodiscard]] std::string details() const override;

private:
    std::shared_ptr<ExecWorker> new_worker();

    ConsumerSettings settings_;
    Surroundings& surroundings_;
    std::shared_ptr<ErrorLog> errors_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<ExecWorker>> workers_;
    std::shared_ptr<ExecWorker> first_;  ///< Started, and given to nobody yet.
};

}  // namespace weft::reliability::hub
