#include "gateway/routemaster/subscriptions.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "gateway/routemaster/names.hpp"

namespace weft::gateway::routemaster {
namespace {

using delivery::EngineError;
using delivery::Interest;
using delivery::Subscription;
using nlohmann::json;
using reliability::JournalId;

constexpr JournalId open_end = UINT64_MAX;

signing::TopicGlob literal(const std::string& topic) {
    auto glob = signing::TopicGlob::parse(topic);
    assert(glob);
    return *std::move(glob);
}

/// Nothing can come of it any more.
bool is_spent(const Interest& interest, JournalId position) {
    return interest.through <= interest.after || interest.through <= position;
}

std::string text_in(const json& details, const char* name) {
    const auto found = details.find(name);
    return found != details.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string subscription_id(const std::string& client) {
    return "routemaster-" + client;
}

json SubscriptionDetails::json() const {
    return {{"client", client},
            {"name", name},
            {"uuid", uuid ? nlohmann::json(*uuid) : nlohmann::json(nullptr)}};
}

SubscriptionDetails SubscriptionDetails::of(const Subscription& subscription) {
    SubscriptionDetails details;
    details.client = text_in(subscription.details, "client");
    details.name = text_in(subscription.details, "name");
    const auto uuid = subscription.details.find("uuid");
    if (uuid != subscription.details.end() && uuid->is_string()) {
        details.uuid = uuid->get<std::string>();
    }
    return details;
}

std::optional<Subscription> Subscriptions::find(const std::string& id) const {
    auto all = engine_.subscriptions(subscription_kind);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Subscription& subscription) {
        return subscription.id == id;
    });
    if (found == all.end()) return std::nullopt;
    return std::move(*found);
}

std::vector<std::string> Subscriptions::topics_of(const Subscription& subscription) const {
    std::vector<std::string> names;
    for (const Interest& interest : subscription.interests) {
        const auto name = name_in(root_, interest.glob.text());
        if (name && interest.through == open_end) names.emplace_back(*name);
    }
    return names;
}

/// What is wanted no more ends here; what is new begins here (M50, M59).
Subscriptions::Interests Subscriptions::replaced(Interests before,
                                                 const std::vector<std::string>& topics) const {
    const JournalId head = bridge_.journal().head;
    std::set<std::string> wanted;
    for (const std::string& topic : topics) wanted.insert(topic_of(root_, topic));
    for (Interest& interest : before) {
        const bool stays = wanted.count(interest.glob.text()) != 0;
        if (interest.through == open_end && !stays) interest.through = head;
        // Ended, and nothing has been stored since: it goes on.
        if (interest.through == head && stays) interest.through = open_end;
        if (interest.through == open_end) wanted.erase(interest.glob.text());
    }
    for (const std::string& topic : topics) {
        if (wanted.erase(topic_of(root_, topic)) == 0) continue;
        before.push_back({literal(topic_of(root_, topic)), head, open_end});
    }
    return before;
}

Subscription Subscriptions::made(const Client& client, SubscribeRequest request,
                                 std::optional<Subscription> before) const {
    Subscription made = before ? *std::move(before) : Subscription{};
    if (made.id.empty()) {
        made.id = subscription_id(client.id);
        made.kind = subscription_kind;
        made.batching.max = SubscribeRequest::max_default;
        made.batching.timeout = SubscribeRequest::timeout_default;
    }
    made.owner = client.name;
    made.url = std::move(request.callback);
    made.interests = replaced(std::move(made.interests), request.topics);
    if (request.max) made.batching.max = *request.max;
    if (request.timeout) made.batching.timeout = *request.timeout;
    made.retry = {};
    made.ordered = true;
    made.concurrency = 1;
    made.details = SubscriptionDetails{client.id, client.name, std::move(request.uuid)}.json();
    return made;
}

void Subscriptions::put(const Client& client, SubscribeRequest request, OnDone done) {
    auto before = find(subscription_id(client.id));
    if (!before) {
        engine_.put(made(client, std::move(request), std::nullopt), bridge_.journal().head,
                    std::move(done));
        return;
    }
    const std::string id = before->id;
    engine_.status(id, [this, client, request = std::move(request), before = std::move(before),
                        done = std::move(done)](const auto& status) mutable {
        if (status) {
            std::erase_if(before->interests, [&](const Interest& interest) {
                return is_spent(interest, status->position);
            });
        }
        Subscription next = made(client, std::move(request), std::move(before));
        if (next.interests.size() > interests_max) {
            return done(tl::make_unexpected(
                EngineError{EngineError::Kind::full,
                            "too many topics were left with events that wait: let them be "
                            "delivered first"}));
        }
        engine_.put(std::move(next), std::nullopt, std::move(done));
    });
}

void Subscriptions::remove(const std::string& client, OnDone done) {
    engine_.remove(subscription_id(client), std::move(done));
}

bool Subscriptions::close(Subscription& subscription, const std::string& topic) const {
    const std::string full = topic_of(root_, topic);
    bool had = false;
    for (Interest& interest : subscription.interests) {
        if (interest.through != open_end || interest.glob.text() != full) continue;
        interest.through = bridge_.journal().head;
        had = true;
    }
    std::erase_if(subscription.interests,
                  [](const Interest& interest) { return is_spent(interest, 0); });
    return had;
}

void Subscriptions::drop_topic(const std::string& client, const std::string& topic, OnDone done) {
    auto subscription = find(subscription_id(client));
    if (!subscription || !close(*subscription, topic)) {
        return done(tl::make_unexpected(
            EngineError{EngineError::Kind::not_found, "the topic is not subscribed"}));
    }
    engine_.put(*std::move(subscription), std::nullopt, std::move(done));
}

void Subscriptions::drop_topic_everywhere(const std::string& topic, OnDone done) {
    auto left = std::make_shared<std::vector<Subscription>>();
    for (Subscription& subscription : engine_.subscriptions(subscription_kind)) {
        if (close(subscription, topic)) left->push_back(std::move(subscription));
    }
    close_next(std::move(left), std::move(done));
}

void Subscriptions::close_next(std::shared_ptr<std::vector<Subscription>> left, OnDone done) {
    if (left->empty()) return done({});
    Subscription subscription = std::move(left->back());
    left->pop_back();
    engine_.put(std::move(subscription), std::nullopt,
                [this, left, done = std::move(done)](const auto& put) {
                    const bool gone = !put && put.error().kind == EngineError::Kind::not_found;
                    if (!put && !gone) return done(put);
                    close_next(left, done);
                });
}

}  // namespace weft::gateway::routemaster
