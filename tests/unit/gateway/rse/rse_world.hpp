#pragma once
// An RSE handler over the fake bridge, and requests to it as a client would send them.
// Threads: one; followers() of a test may poll from others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "gateway/rse/rse_handler.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/fake_exchange.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::gateway::rse {

class FakeTokens final : public Authenticator {
public:
    std::optional<Principal> find(std::string_view token) override {
        const auto found = principals.find(std::string{token});
        if (found == principals.end()) return std::nullopt;
        return found->second;
    }
    std::map<std::string, Principal> principals;
};

class RseWorld : public ::testing::Test {
protected:
    static constexpr const char* agent = "App/1.2 uuid/0190a5c4-0000-4000-8000-00000000000a";
    static constexpr const char* other = "App/1.2 uuid/0190a5c4-0000-4000-8000-00000000000b";
    static constexpr const char* root = "org.weft.dev.rse";

    RseWorld() { settings.topic_root = root; }
    ~RseWorld() override {
        if (handler_) handler_->stop();
        bridge.stop();
    }

    /// After the settings have been set.
    RseHandler& handler() {
        if (!handler_) {
            handler_ =
                std::make_unique<RseHandler>(settings, bridge, tokens, clock, nullptr, timers);
        }
        return *handler_;
    }
    /// The settings count from here.
    void restart() {
        if (handler_) handler_->stop();
        handler_.reset();
    }
    using HeaderList = std::vector<std::pair<std::string, std::string>>;
    static Request request(std::string method, std::string target, std::string body = {},
                           HeaderList headers = {{"User-Agent", agent}}) {
        Request made;
        made.method = std::move(method);
        made.target = std::move(target);
        made.body = std::move(body);
        made.loopback = true;
        for (auto& [name, value] : headers) made.headers.add(std::move(name), std::move(value));
        return made;
    }
    std::shared_ptr<support::FakeExchange> begin(Request made) {
        auto exchange = std::make_shared<support::FakeExchange>(std::move(made));
        handler().handle(exchange);
        return exchange;
    }
    Response send(Request made) {
        const auto response = begin(std::move(made))->wait();
        if (!response) throw std::runtime_error("no answer came");
        if (response->status >= 400) {  // R59, also for JSONP
            EXPECT_TRUE(fabric::from_json(response->body)) << response->body;
            EXPECT_THAT(response->body, ::testing::StartsWith("{\"message\":\""));
            EXPECT_EQ(response->headers.find("Content-Type"), "application/json; charset=utf-8");
        }
        return *response;
    }
    Response get(std::string target, const char* as = agent) {
        return send(request("GET", std::move(target), {}, {{"User-Agent", as}}));
    }
    Response post(std::string target, std::string body, const char* as = agent) {
        return send(request("POST", std::move(target), std::move(body), {{"User-Agent", as}}));
    }
    static std::uint64_t id_of(const Response& response) {
        return std::stoull(std::string{response.headers.find("X-RSE-Event-Id").value_or("0")});
    }
    /// The ids of a poll's answer, in its order.
    static std::vector<std::int64_t> ids(const Response& response) {
        std::vector<std::int64_t> found;
        if (response.status == 204) return found;
        EXPECT_EQ(response.status, 200U) << response.body;
        const auto body = fabric::from_json(response.body);
        if (!body) throw std::runtime_error(body.error() + response.body);
        for (const auto& event : *(*body)["events"].list()) {
            found.push_back(event["id"].integer_or(0));
        }
        return found;
    }
    static Principal principal(std::vector<std::string> publish, std::vector<std::string> read) {
        Principal made;
        made.name = "client";
        made.publish = support::globs_of(publish);
        made.read = support::globs_of(read);
        return made;
    }

    Settings settings;
    support::WallClock clock;
    support::FakeBridge bridge{clock};
    FakeTokens tokens;
    Timers* timers = nullptr;  ///< Without them there are no streams.

private:
    std::unique_ptr<RseHandler> handler_;
};

}  // namespace weft::gateway::rse
