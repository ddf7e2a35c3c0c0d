#pragma once
// The requests that carry events to subscribers (M60, M61). Threads: any; it keeps nothing.

#include <span>
#include <string>
#include <string_view>

#include "gateway/delivery/presenter.hpp"

namespace weft::gateway::routemaster {

/// As they are delivered, a JSON list; what is no event of Routemaster is left out.
[[nodiscard]] std::string events_json(std::string_view root, std::span<const StoredEvent> events);

class RoutemasterPresenter final : public delivery::Presenter {
public:
    RoutemasterPresenter(std::string topic_root, std::string version)
        : root_(std::move(topic_root)), version_(std::move(version)) {}

    [[nodiscard]] std::string_view kind() const noexcept override;
    /// Events alone: what else is published to the topic is passed over.
    [[nodiscard]] bool wants(const delivery::Subscription& subscription,
                             const StoredEvent& event) const override;
    [[nodiscard]] delivery::OutgoingRequest request(
        const delivery::Subscription& subscription, std::span<const StoredEvent> events,
        const delivery::AttemptContext& context) const override;

private:
    const std::string root_, version_;
};

}  // namespace weft::gateway::routemaster
