#pragma once
// `weft tail --forward URL`: what is followed goes to a developer's own server as webhooks would,
// signed like them, in order; what came of each message is one line on stdout.
// Threads: on_message() from any, it waits while the queue is full; one of its own makes the
// requests. Limits: queue_max messages wait, attempts_max attempts each.
// Errors: exit 1 or 2 with a sentence where it cannot begin.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/sender.hpp"
#include "gateway/delivery/subscription.hpp"
#include "gateway/webhooks/webhook_presenter.hpp"
#include "tools/follow_sink.hpp"
#include "tools/line_writer.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {

struct ForwardFlags {
    std::string url, secret, format;
    bool json = false;
    std::uint64_t count = 0;  ///< End after so many messages; 0: never.
};

class TailForward final : public FollowSink {
public:
    static constexpr std::size_t queue_max = 256;
    static constexpr std::uint64_t attempts_max = 4;

    /// Prints the keys. This machine may be reached, by plain HTTP too; else what a gateway may.
    TailForward(const ForwardFlags& flags, StopSignal& stop);
    ~TailForward() override;  ///< As stop().

    bool on_message(const fabric::Message& message,
                    std::optional<std::uint64_t> journal_id = std::nullopt) override;
    using FollowSink::on_gap;
    void on_gap(const reliability::JournalGap& gap) override;
    /// Ends the request that is under way; nobody waits in on_message() any more.
    void stop();

    [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
    [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }

private:
    void run();
    void deliver(const gateway::StoredEvent& event);
    [[nodiscard]] gateway::delivery::SendResult attempt(const gateway::StoredEvent& event,
                                                        std::uint64_t number);
    /// False: it was stopped.
    bool pause(std::chrono::milliseconds span);
    void say(const gateway::StoredEvent& event, const gateway::delivery::SendResult& result,
             std::uint64_t number);

    const ForwardFlags flags_;
    StopSignal& stop_signal_;
    LineWriter writer_{stop_signal_};
    gateway::webhooks::WebhookPresenter presenter_;
    gateway::delivery::Subscription subscription_;
    std::unique_ptr<gateway::delivery::Sender> sender_;
    std::mutex mutex_;  // guards the queue and stopped_
    std::condition_variable changed_;
    std::deque<gateway::StoredEvent> queue_;
    bool stopped_ = false;
    std::uint64_t delivered_ = 0, failed_ = 0;  // of the thread, until it has ended
    std::thread thread_;                        // last
};

}  // namespace weft::tools
