#pragma once
// One request whose sender is known, and what each route does with it. Not for others than the
// handler. Threads: called by io threads.

#include <memory>
#include <string>

#include "gateway/http/exchange.hpp"
#include "gateway/routemaster/service.hpp"

namespace weft::gateway::routemaster {

struct Visit {
    Service& service;
    std::shared_ptr<Exchange> exchange;
    Client client{};

    [[nodiscard]] const std::string& body() const { return exchange->request().body; }
    void answer(Response response) const { exchange->answer(std::move(response)); }
};

void publish(const Visit& visit, const std::string& topic);
void list_topics(const Visit& visit);
void delete_topic(const Visit& visit, const std::string& topic);

void subscribe(const Visit& visit);
void unsubscribe(const Visit& visit);
void unsubscribe_topic(const Visit& visit, const std::string& topic);
void list_subscriptions(const Visit& visit);
void poll_events(const Visit& visit);

void list_tokens(const Visit& visit);
void add_token(const Visit& visit);
void delete_token(const Visit& visit, const std::string& token);

void pulse(const Visit& visit);
void scaling(const Visit& visit);

}  // namespace weft::gateway::routemaster
