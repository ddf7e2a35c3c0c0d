#pragma once
// What `weft logger` and `weft publish` share: open the fabric, wait until somebody can hear,
// publish, and not end before the relay or the subscribers have confirmed that they took
// everything. Threads: the main thread only.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "tools/context.hpp"

namespace weft::tools {

struct PublishingFlags {
    std::optional<std::chrono::milliseconds> flush, wait;
    std::vector<std::string> headers;  ///< K=V
    std::string parent;
    std::vector<std::string> recipients;
    std::string ack_timeout, level;
    bool durable = false;

    /// The flags that both commands take.
    void add_to(CLI::App& app);
};

class Publishing {
public:
    /// Exit 2 for a bad header or parent; exit 1 if nobody can take messages in time.
    Publishing(Context& context, const PublishingFlags& flags, const std::string& source);

    [[nodiscard]] std::string complete(const std::string& topic) const;
    /// Waits for the relay, then for a first subscriber of this topic. Exit 1 without a relay.
    void await_listeners(const std::string& topic);
    /// Throws CommandError: exit 2 for what the caller typed, else 1.
    fabric::MessageId publish(const std::string& topic, fabric::BodyView body);
    /// Exit 1 unless every message was confirmed. Says when nobody had subscribed.
    void finish();

private:
    [[nodiscard]] std::chrono::milliseconds flush_timeout() const;

    PublishingFlags flags_;
    std::unique_ptr<fabric::Fabric> fabric_;
    fabric::PublishOptions options_;
    std::string last_topic_;
};

}  // namespace weft::tools
