#pragma once
// Figures under the names that Routemaster's dashboards know: as lines
// `gauge:subscriber.queue.events:3 (subscriber:shop)`, and for Prometheus as
// `routemaster_subscriber_queue_events{subscriber="shop"} 3`. Threads: values and pure functions.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gateway/delivery/engine.hpp"
#include "gateway/metrics/exposition.hpp"
#include "gateway/routemaster/autodrop.hpp"

namespace weft::gateway::routemaster {

struct Measure {
    enum class Kind : std::uint8_t { gauge, counter };
    using Tags = std::vector<std::pair<std::string, std::string>>;

    Kind kind;
    std::string name;  ///< With dots.
    std::uint64_t value = 0;
    Tags tags{};

    [[nodiscard]] std::string line() const;
    [[nodiscard]] std::string prometheus_name() const;
};

/// Batches that a subscription has waiting, the last maybe not full.
[[nodiscard]] std::uint64_t batches_of(const delivery::SubscriptionStatus& status) noexcept;
/// Those of them that are due within `within_ms` of `now_us`.
[[nodiscard]] std::uint64_t batches_due(const delivery::SubscriptionStatus& status,
                                        std::uint64_t now_us, std::uint64_t within_ms) noexcept;

/// Those of the subscriptions: clients of one name add up.
[[nodiscard]] std::vector<Measure> measures_of(const std::vector<delivery::SubscriptionStatus>& all,
                                               std::uint64_t now_us);

void add(Figures& figures, const std::vector<Measure>& measures);

}  // namespace weft::gateway::routemaster
