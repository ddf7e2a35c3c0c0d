#pragma once
// An engine over a journal in memory: the room does its work at once, requests are made by a
// presenter whose bodies are the messages' bodies, one a line.
// Threads: the tests'; answers come from any.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/bridge/journal_room.hpp"
#include "gateway/bridge/workers.hpp"
#include "gateway/delivery/live_engine.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/look_again.hpp"

namespace weft::gateway::delivery {

using std::chrono::milliseconds;

/// Two workers, as the real one has.
class TestRoom final : public JournalRoom {
public:
    TestRoom(reliability::Journal& journal, const fabric::Clock& clock)
        : journal_(journal), cursors_(journal, clock), groups_(cursors_), workers_(2, 1000) {}
    bool work(Work todo) override {
        return workers_.post([this, todo = std::move(todo)](Workers::Turn) {
            reliability::StoredVerifier verifier(nullptr);
            JournalThings things{journal_, cursors_, groups_, verifier};
            todo(things);
        });
    }
    [[nodiscard]] reliability::CursorStore& cursors() { return cursors_; }

private:
    reliability::Journal& journal_;
    reliability::CursorStore cursors_;
    reliability::GroupService groups_;
    Workers workers_;
};

class LinesPresenter final : public Presenter {
public:
    [[nodiscard]] std::string_view kind() const noexcept override { return "lines"; }
    [[nodiscard]] bool shows_attempts() const noexcept override { return true; }
    [[nodiscard]] bool wants(const Subscription& subscription,
                             const StoredEvent& event) const override {
        const std::string but = subscription.details.value("but", std::string{});
        return but.empty() || event.message.body() != but;
    }
    [[nodiscard]] OutgoingRequest request(const Subscription& subscription,
                                          std::span<const StoredEvent> events,
                                          const AttemptContext& context) const override {
        OutgoingRequest request;
        request.headers = {{"Content-Type", "text/plain"},
                           {"Delivery", std::string{context.delivery}},
                           {"Attempt", std::to_string(context.attempt)}};
        if (subscription.details.contains("secret")) {
            request.headers.emplace_back("Authorization",
                                         subscription.details.at("secret").get<std::string>());
        }
        for (const StoredEvent& event : events) {
            if (!request.body.empty()) request.body += '\n';
            request.body += event.message.body();
        }
        return request;
    }
};

template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        testing::look_again_after_ms(1);
    }
    return true;
}

inline signing::TopicGlob glob(const std::string& text) {
    return *signing::TopicGlob::parse(text);
}

inline Subscription subscription_to(const std::string& url, const std::string& id = "one") {
    Subscription subscription;
    subscription.id = id;
    subscription.kind = "lines";
    subscription.url = url;
    subscription.interests = {{glob("org.weft.dev.**")}};
    return subscription;
}

class DeliveryWorld : public ::testing::Test {
protected:
    DeliveryWorld() : room_(bridge_.memory(), clock_) {
        settings_.allow_http = true;
        settings_.allow_networks = {"127.0.0.0/8"};
        settings_.timeout = milliseconds{5000};
    }
    ~DeliveryWorld() override {
        engine_.reset();
        bridge_.stop();
    }

    void open(std::shared_ptr<Sender> sender = {}, std::shared_ptr<Resolver> resolver = {}) {
        auto opened = LiveEngine::open(
            {bridge_, room_, clock_, settings_, limits_, std::move(sender), std::move(resolver),
             [this](const Notice& notice) {
                 const std::scoped_lock lock(notices_mutex_);
                 notices_.push_back(std::string{name_of(notice.kind)} + " " + notice.sentence);
             },
             [this](const std::string& line) {
                 const std::scoped_lock lock(notices_mutex_);
                 warnings_.push_back(line);
             }});
        ASSERT_TRUE(opened) << opened.error();
        engine_ = std::move(*opened);
        engine_->add(presenter_);
        engine_->start();
    }
    [[nodiscard]] std::vector<std::string> notices() {
        const std::scoped_lock lock(notices_mutex_);
        return notices_;
    }

    template <class T, class Ask>
    [[nodiscard]] static EngineResult<T> answer_of(Ask ask) {
        const auto answer = std::make_shared<support::Answer<EngineResult<T>>>();
        ask([answer](EngineResult<T> given) { answer->give(std::move(given)); });
        auto given = answer->take();
        if (!given) throw std::runtime_error("the engine did not answer");
        return std::move(*given);
    }
    [[nodiscard]] EngineResult<void> put(Subscription subscription,
                                         std::optional<reliability::JournalId> start = {}) {
        return answer_of<void>(
            [&](auto done) { engine_->put(std::move(subscription), start, done); });
    }
    [[nodiscard]] SubscriptionStatus status(const std::string& id = "one") {
        return answer_of<SubscriptionStatus>([&](auto done) { engine_->status(id, done); }).value();
    }
    [[nodiscard]] std::vector<Attempt> attempts(const std::string& id = "one") {
        return answer_of<std::vector<Attempt>>([&](auto done) { engine_->attempts(id, done); })
            .value();
    }
    reliability::JournalId store(const std::string& body,
                                 const std::string& topic = "org.weft.dev.a") {
        return bridge_.store({.topic = topic, .body = body, .content_type = "text/plain"});
    }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    TestRoom room_;
    LinesPresenter presenter_;
    Settings settings_;
    EngineLimits limits_;
    std::mutex notices_mutex_;
    std::vector<std::string> notices_, warnings_;
    std::unique_ptr<LiveEngine> engine_;
};

}  // namespace weft::gateway::delivery
