#pragma once
// The requests that carry events to subscribers (M60, M61). An event is read once, however many
// subscribers it has: its text is kept until others have come.
// Threads: any. Limits: kept_max texts, kept_bytes_max together.

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fabric/message/message_id.hpp"

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
    static constexpr std::size_t kept_max = 4096, kept_bytes_max = std::size_t{4} << 20;

    /// As it is delivered; null: it is no event.
    using Text = std::shared_ptr<const std::string>;
    struct Kept {
        reliability::JournalId id = 0;
        Text text;
    };
    [[nodiscard]] Text text_of(const StoredEvent& stored) const;
    [[nodiscard]] Text read(const StoredEvent& stored) const;

    const std::string root_, version_;

    mutable std::mutex mutex_;  // guards what follows
    mutable std::unordered_map<fabric::MessageId, Kept> kept_;
    mutable std::size_t kept_bytes_ = 0;
};

}  // namespace weft::gateway::routemaster
