#pragma once
// What the hub gives to its consumers: publishing in its name, and its log.
// Threads: every function from any thread. Ownership: `fabric` must outlive it.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "reliability/hub/handler.hpp"
#include "reliability/reliable_publisher.hpp"

namespace weft::reliability::hub {

class HubSurroundings final : public Surroundings {
public:
    using Log = std::function<void(Level, const std::string& line)>;

    HubSurroundings(fabric::Fabric& fabric, reliability::Settings settings, Log log);
    ~HubSurroundings() override;

    [[nodiscard]] tl::expected<fabric::MessageId, std::string> publish(
        const Wanted& wanted, const fabric::MessageId& parent) override;
    void log(Level level, std::string_view consumer, std::string_view line) override;
    [[nodiscard]] std::string_view hub_name() const override { return name_; }

    /// Of a body that is encoded already; `topic` may be short.
    [[nodiscard]] tl::expected<fabric::MessageId, std::string> publish(
        std::string_view topic, fabric::BodyView body, const fabric::PublishOptions& options,
        bool durable);
    /// Whether what is published durably can be: there are journals.
    [[nodiscard]] bool has_journals() const noexcept { return !settings_.journals.empty(); }

private:
    [[nodiscard]] tl::expected<ReliablePublisher*, std::string> reliable();

    fabric::Fabric& fabric_;
    reliability::Settings settings_;
    const Log log_;
    const std::string name_;
    std::mutex mutex_;  // guards the opening
    std::unique_ptr<ReliablePublisher> reliable_;
};

}  // namespace weft::reliability::hub
