#pragma once
// What `weft logger` and `weft publish` share: open the fabric, wait until somebody can hear,
// publish, and not end before the relay or the subscribers have confirmed that they took
// everything. Threads: the main thread only.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "tools/acknowledging.hpp"
#include "tools/context.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {

struct PublishingFlags {
    std::optional<std::chrono::milliseconds> flush, wait;
    std::vector<std::string> headers;  ///< K=V
    std::string parent;
    AckFlags acks;

    /// The flags that both commands take.
    void add_to(CLI::App& app);
};

/// How long a last flush may take: as configured, or what a signal leaves.
[[nodiscard]] std::chrono::milliseconds last_flush(std::chrono::milliseconds wanted,
                                                   const StopSignal& stop);
/// Asks `answered(slice)` until it says yes, the time is over or a signal comes.
[[nodiscard]] bool wait_unless_stopped(
    std::chrono::milliseconds timeout, const StopSignal& stop,
    const std::function<bool(std::chrono::milliseconds)>& answered);
/// Why a flush was not complete, and what was dropped with the publisher closed.
[[nodiscard]] std::string unfinished(const fabric::FlushResult& flushed,
                                     const fabric::PublisherStats& stats);

class Publishing {
public:
    /// Exit 2 for a bad header or parent; exit 1 if nobody can take messages in time.
    Publishing(Context& context, const PublishingFlags& flags, const std::string& source);

    [[nodiscard]] std::string complete(const std::string& topic) const;
    /// Waits for the relay, then for a first subscriber of this topic. Exit 1 without a relay. A
    /// signal ends the wait. With recipients there is nothing to wait for: their deadline counts,
    /// and what they missed is sent again.
    void await_listeners(const std::string& topic, const StopSignal& stop);
    /// Throws CommandError: exit 2 for what the caller typed, else 1. Nothing once stop_taking()
    /// was called: a signal has ended the command.
    std::optional<fabric::MessageId> publish(const std::string& topic, fabric::BodyView body);
    /// The same with a parent and headers of its own, in place of those of the flags.
    std::optional<fabric::MessageId> publish(const std::string& topic, fabric::BodyView body,
                                             const fabric::PublishOptions& options);
    /// What the flags say of every message.
    [[nodiscard]] const fabric::PublishOptions& options() const noexcept { return options_; }
    /// Any thread: nothing more is published, and whoever waits for room gives up.
    void stop_taking();
    /// Exit 1 unless every message was confirmed, or acknowledged by its recipients; then what was
    /// accepted and not handed over is counted and said. Says when nobody had subscribed. After a
    /// signal the time is short.
    void finish(const StopSignal& stop);
    [[nodiscard]] fabric::Fabric& fabric() { return *fabric_; }

private:
    [[nodiscard]] std::chrono::milliseconds flush_timeout() const;

    PublishingFlags flags_;
    std::unique_ptr<fabric::Fabric> fabric_;
    fabric::PublishOptions options_;
    std::unique_ptr<Acknowledging> acks_;  // null: nobody must acknowledge
    std::string last_topic_;
};

}  // namespace weft::tools
