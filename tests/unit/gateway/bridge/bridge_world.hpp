#pragma once
// A gateway's bridge over the in-process transport and a journal in memory that can be told to
// fail; others publish and listen.
// Threads: one; what was answered from any.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/bridge/live_bridge.hpp"
#include "reliability/service/open_remote.hpp"
#include "tests/unit/reliability/reliable_world.hpp"
#include "tests/unit/reliability/service/gated_journal.hpp"

namespace weft::gateway {

using fabric::eventually;
using fabric::patience;
using reliability::long_timeout;
using reliability::Seen;
using std::chrono::milliseconds;

/// What a callback was given.
template <class T>
class Answer {
public:
    [[nodiscard]] auto taker() {
        return [seen = seen_](T answer) { seen->add(std::move(answer)); };
    }
    [[nodiscard]] T wait() {
        if (!seen_->wait_for(1)) throw std::runtime_error("nothing was answered");
        return seen_->all().at(0);
    }
    [[nodiscard]] std::size_t count() const { return seen_->all().size(); }

private:
    std::shared_ptr<Seen<T>> seen_ = std::make_shared<Seen<T>>();
};

inline reliability::TopicFilter filter_of(const std::vector<std::string>& globs) {
    return reliability::TopicFilter(support::globs_of(globs));
}

/// `a` is the gateway, git publishes elsewhere.
class BridgeWorld : public reliability::ReliableWorld {
protected:
    BridgeWorld() {
        issue("git");
        issue("b");
        issue("a", {signing::Role::publish, signing::Role::ack, signing::Role::journal});
    }

    [[nodiscard]] reliability::Settings settings_of(const fabric::Fabric& fabric) {
        config::Problems problems;
        auto settings = reliability::read_settings(fabric.configuration(), problems);
        EXPECT_TRUE(problems.empty()) << config::text_of(problems);
        return settings;
    }
    void open_bridge(const BridgeLimits& limits = {}, const std::string& more = "",
                     bool wait_until_ready = true, const std::string& journal_topics = "[]") {
        a_ = open("a",
                  "reliability: { journal: { listen: 'tcp://127.0.0.1:9', topics: " +
                      journal_topics + " } }\n" + more,
                  &shifted_);
        auto journal = std::make_unique<reliability::GatedJournal>(*clock_of_journal_);
        journal_ = journal.get();
        auto opened =
            LiveBridge::over(*a_.fabric, settings_of(*a_.fabric), std::move(journal), limits);
        ASSERT_TRUE(opened) << opened.error();
        bridge_ = std::move(*opened);
        if (wait_until_ready) {
            ASSERT_TRUE(bridge_->wait_ready(patience)) << bridge_->not_ready();
        }
    }

    static PublishRequest request(const std::string& text = "hello",
                                  PublishRequest::Mode mode = PublishRequest::Mode::durable,
                                  const std::string& topic = deploy) {
        PublishRequest request;
        request.topic = topic;
        request.body = text;
        request.content_type = "text/plain";
        request.mode = mode;
        return request;
    }
    static Principal anybody() {
        Principal who;
        who.everything = true;
        return who;
    }
    [[nodiscard]] BridgeResult<Published> publish(PublishRequest what,
                                                  const Principal& who = anybody()) {
        Answer<BridgeResult<Published>> answer;
        bridge_->publish(who, std::move(what), answer.taker());
        return answer.wait();
    }
    [[nodiscard]] BridgeResult<EventPage> read(ReadRequest what = {}) {
        Answer<BridgeResult<EventPage>> answer;
        bridge_->read(std::move(what), answer.taker());
        return answer.wait();
    }
    [[nodiscard]] std::vector<std::string> bodies(const EventPage& page) {
        std::vector<std::string> bodies;
        for (const StoredEvent& event : page.events) bodies.emplace_back(event.message.body());
        return bodies;
    }

    static inline const std::string deploy = "org.weft.dev.deploy";
    const fabric::WorldClock* clock_of_journal_ = &clock_;
    reliability::Party a_;
    reliability::GatedJournal* journal_ = nullptr;  // the bridge's
    std::unique_ptr<LiveBridge> bridge_;
};

}  // namespace weft::gateway
