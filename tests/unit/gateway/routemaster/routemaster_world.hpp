#pragma once
// Routemaster over the fake bridge and the fake engine, and requests to it as a client would send
// them. Threads: one; tests may send from others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gateway/routemaster/presenter.hpp"
#include "gateway/routemaster/routemaster_handler.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "signing/sodium.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/fake_delivery_engine.hpp"
#include "tests/support/fake_exchange.hpp"
#include "tests/support/look_again.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::gateway::routemaster {

using nlohmann::json;

/// Does the work in the caller's thread, at once or when it is let go.
class CallersRoom final : public JournalRoom {
public:
    explicit CallersRoom(JournalThings things) : things_(things) {}
    bool work(Work work) override {
        {
            const std::scoped_lock lock(mutex_);
            if (full) return false;
            if (holds) {
                held_.push_back(std::move(work));
                return true;
            }
        }
        work(things_);
        return true;
    }
    void let_go() {
        std::vector<Work> now;
        {
            const std::scoped_lock lock(mutex_);
            holds = false;
            now.swap(held_);
        }
        for (const Work& work : now) work(things_);
    }
    std::atomic<bool> full{false}, holds{false};

private:
    JournalThings things_;
    std::mutex mutex_;
    std::vector<Work> held_;
};

class FakeTimers final : public Timers {
public:
    void run(std::chrono::milliseconds after, std::function<void()> work) override {
        const std::scoped_lock lock(mutex_);
        kept.emplace_back(after, std::move(work));
    }
    void post(std::function<void()> work) override { run({}, std::move(work)); }
    /// Those of this pause.
    void ring(std::chrono::milliseconds after) {
        std::vector<std::function<void()>> due;
        {
            const std::scoped_lock lock(mutex_);
            for (auto& [pause, work] : kept) {
                if (pause == after) due.push_back(std::exchange(work, [] {}));
            }
        }
        for (const auto& work : due) work();
    }
    std::vector<std::pair<std::chrono::milliseconds, std::function<void()>>> kept;

private:
    std::mutex mutex_;
};

class WeftTokens final : public Authenticator {
public:
    std::optional<Principal> find(std::string_view token) override {
        const auto found = principals.find(std::string{token});
        if (found == principals.end()) return std::nullopt;
        return found->second;
    }
    std::map<std::string, Principal> principals;
};

class RoutemasterWorld : public ::testing::Test {
    // First: what reads for them may be at it until the bridge is gone.
    std::vector<std::unique_ptr<Service>> old_;
    std::unique_ptr<Service> service_;

protected:
    static constexpr const char* root_key = "the-root-key";
    static constexpr const char* shop = "shop--11111111111111111111111111111111";
    static constexpr const char* mail = "mail--22222222222222222222222222222222";
    static constexpr const char* plain = "audit";
    static constexpr const char* event = R"({"type":"create","url":"https://a.example/1"})";

    RoutemasterWorld() {
        settings.topic_root = "org.weft.dev.routemaster";
        settings.root_key = root_key;
        settings.clients = {shop, mail, plain};
        engine.add(presenter);
    }
    ~RoutemasterWorld() override {
        if (handler_) handler_->stop();
        bridge.stop();
    }

    RoutemasterHandler& handler() {
        if (!handler_) {
            service_ = std::make_unique<Service>(
                Service::Parts{settings, bridge, room, engine, weft_tokens, timers, clock,
                               [this](const std::string& said) { warned.push_back(said); },
                               [this](const std::string& line) { printed.push_back(line); }});
            if (!room.full && !room.holds) be_ready();
            handler_ = std::make_unique<RoutemasterHandler>(*service_, prefix);
        }
        return *handler_;
    }
    /// Until what is kept was read.
    void be_ready() {
        while (!service_->is_ready()) {
            service_->begin();
            weft::testing::look_again_after_ms(1);
        }
    }
    Service& service() {
        handler();
        return *service_;
    }
    /// What happens each ten seconds, to its end.
    void look() {
        support::Answer<bool> looked;
        service().look([&] { looked.give(true); });
        ASSERT_TRUE(looked.take());
    }
    /// As if the process had been killed: nothing is said to what was there.
    void restart() {
        handler_.reset();
        if (service_) old_.push_back(std::move(service_));
    }

    static Request request(const std::string& method, const std::string& target,
                           const std::string& token, std::string body = {}) {
        Request made;
        made.method = method;
        made.target = target;
        made.peer = "192.0.2.1:4711";
        made.body = std::move(body);
        if (!token.empty()) {
            made.headers.add("Authorization", "Basic " + signing::to_base64(token + ":x"));
        }
        return made;
    }
    std::shared_ptr<support::FakeExchange> begin(Request made) {
        auto exchange = std::make_shared<support::FakeExchange>(std::move(made));
        handler().handle(exchange);
        return exchange;
    }
    Response send(Request made) {
        const auto exchange = begin(std::move(made));
        const auto response = exchange->wait();
        if (!response) throw std::runtime_error("no answer to " + exchange->request().target);
        EXPECT_EQ(exchange->answers(), 1);
        if (response->status >= 400 && !response->body.empty()) {
            EXPECT_EQ(response->headers.find("Content-Type"), "text/plain; charset=utf-8");
            EXPECT_THAT(response->body, ::testing::EndsWith("\n"));
        }
        return *response;
    }
    Response ask(const std::string& method, const std::string& target, const std::string& token,
                 const std::string& body = {}) {
        return send(request(method, target, token, body));
    }
    unsigned status(const std::string& method, const std::string& target, const std::string& token,
                    const std::string& body = {}) {
        return ask(method, target, token, body).status;
    }
    unsigned publish(const std::string& topic, const std::string& body = event,
                     const std::string& token = shop) {
        return status("POST", "/topics/" + topic, token, body);
    }
    unsigned subscribe(const std::string& token, const std::vector<std::string>& topics,
                       json more = json::object()) {
        more["topics"] = topics;
        if (!more.contains("callback")) more["callback"] = "https://receiver.example/events";
        return status("POST", "/subscription", token, more.dump());
    }
    json get(const std::string& target, const std::string& token) {
        const auto response = ask("GET", target, token);
        EXPECT_EQ(response.status, 200U) << response.body;
        EXPECT_EQ(response.headers.find("Content-Type"), "application/json");
        return json::parse(response.body, nullptr, false);
    }
    /// One entry of GET /subscriptions, as `token` sees it.
    json subscription(const std::string& subscriber, const std::string& token) {
        for (const json& one : get("/subscriptions", token)) {
            if (one["subscriber"] == subscriber) return one;
        }
        return nullptr;
    }
    json topic(const std::string& name, const std::string& token = root_key) {
        for (const json& one : get("/topics", token)) {
            if (one["name"] == name) return one;
        }
        return nullptr;
    }
    std::string id_of(const std::string& token) {
        return subscription_id(service().clients.id_of(token));
    }
    /// Everything that this client has waiting, one batch after the other.
    std::vector<json> delivered(const std::string& token) {
        std::vector<json> batches;
        while (const auto outgoing = engine.next(id_of(token))) {
            batches.push_back(json::parse(outgoing->body));
            engine.confirm(id_of(token));
        }
        return batches;
    }
    /// The urls of all of it.
    std::vector<std::string> urls(const std::string& token) {
        std::vector<std::string> found;
        for (const json& batch : delivered(token)) {
            for (const json& one : batch) found.push_back(one["url"]);
        }
        return found;
    }
    static std::string event_of(const std::string& url) {
        return json{{"type", "update"}, {"url", url}}.dump();
    }
    std::vector<std::string> state_keys() {
        std::vector<std::string> keys;
        const auto entries = bridge.memory().state().list("routemaster/", "", 1000);
        for (const auto& entry : *entries) keys.push_back(entry.first);
        return keys;
    }

    Settings settings;
    std::string prefix;
    support::WallClock clock;
    support::FakeBridge bridge{clock};
    reliability::CursorStore cursors{bridge.memory(), clock};
    reliability::GroupService groups{cursors};
    reliability::StoredVerifier verifier{nullptr};
    CallersRoom room{{bridge.memory(), cursors, groups, verifier}};
    RoutemasterPresenter presenter{"org.weft.dev.routemaster", "test"};
    support::FakeDeliveryEngine engine{bridge};
    WeftTokens weft_tokens;
    FakeTimers timers;
    std::vector<std::string> warned, printed;

private:
    std::unique_ptr<RoutemasterHandler> handler_;
};

}  // namespace weft::gateway::routemaster
