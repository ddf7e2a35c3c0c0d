#pragma once
// Routemaster's subscriptions as those of the delivery engine: one of each client, ordered, tried
// for ever (M62, M73). What a topic had when it was unsubscribed is still delivered (M59), and
// nothing from before it was subscribed.
//
// Threads: any; changes must come one at a time (turns.hpp), and each ends with `done`.
// Ownership: engine, bridge and topics outlive it and its callbacks.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/routemaster/clients.hpp"
#include "gateway/routemaster/subscribe_request.hpp"

namespace weft::gateway::routemaster {

inline constexpr std::string_view subscription_kind = "routemaster";

/// Its id in the engine, and the name of its cursor.
[[nodiscard]] std::string subscription_id(const std::string& client);

/// What its details have (Subscription::details).
struct SubscriptionDetails {
    std::string client;  ///< Client::id
    std::string name;    ///< Client::name
    std::optional<std::string> uuid;

    [[nodiscard]] nlohmann::json json() const;
    [[nodiscard]] static SubscriptionDetails of(const delivery::Subscription& subscription);
};

class Subscriptions {
public:
    static constexpr std::size_t interests_max = 1500;
    using OnDone = delivery::Engine::OnDone;

    Subscriptions(std::string root, delivery::Engine& engine, FabricBridge& bridge)
        : root_(std::move(root)), engine_(engine), bridge_(bridge) {}

    /// Makes or replaces; the callback has been checked.
    void put(const Client& client, SubscribeRequest request, OnDone done);
    void remove(const std::string& client, OnDone done);
    /// not_found: there is no subscription, or the topic is not in it.
    void drop_topic(const std::string& client, const std::string& topic, OnDone done);
    /// Of everybody.
    void drop_topic_everywhere(const std::string& topic, OnDone done);

    /// Names of the topics that it has now.
    [[nodiscard]] std::vector<std::string> topics_of(
        const delivery::Subscription& subscription) const;

private:
    using Interests = std::vector<delivery::Interest>;
    [[nodiscard]] std::optional<delivery::Subscription> find(const std::string& id) const;
    [[nodiscard]] delivery::Subscription made(const Client& client, SubscribeRequest request,
                                              std::optional<delivery::Subscription> before) const;
    [[nodiscard]] Interests replaced(Interests before,
                                     const std::vector<std::string>& topics) const;
    /// True: it had the topic.
    [[nodiscard]] bool close(delivery::Subscription& subscription, const std::string& topic) const;
    void close_next(std::shared_ptr<std::vector<delivery::Subscription>> left, OnDone done);

    const std::string root_;
    delivery::Engine& engine_;
    FabricBridge& bridge_;
};

}  // namespace weft::gateway::routemaster
