// When names are looked up, and what a subscriber does with the answers.
#include "fabric/node/name_watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>

#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant start = std::chrono::hours{1};
const NameAnswer nothing{.problem = "host x: no"};

NameAnswer living(seconds ttl) {
    return {.endpoints = {"tcp://10.0.0.1:1"}, .ttl = ttl};
}

TEST(ResolveSchedule, EveryNameIsDueAtOnce) {
    EXPECT_THAT(ResolveSchedule(3).due(start), ElementsAre(0, 1, 2));
    EXPECT_FALSE(ResolveSchedule(0).next());
}

TEST(ResolveSchedule, AnAnswerIsBelievedAsLongAsItSaysWithinBounds) {
    const std::map<int, int> kept_for{{0, 5}, {1, 5}, {20, 20}, {60, 60}, {86'400, 60}};
    for (const auto& [ttl, kept] : kept_for) {
        ResolveSchedule schedule(1);
        schedule.on_answer(0, living(seconds{ttl}), start);
        EXPECT_THAT(schedule.due(start + seconds{kept} - std::chrono::nanoseconds{1}), IsEmpty());
        EXPECT_THAT(schedule.due(start + seconds{kept}), ElementsAre(0)) << ttl;
    }
}

TEST(ResolveSchedule, WhatFailsIsTriedEverMoreRarelyUntilItAnswers) {
    ResolveSchedule schedule(1);
    Instant now = start;
    for (const int wait : {1, 2, 4, 8, 16, 30, 30}) {
        schedule.on_answer(0, nothing, now);
        EXPECT_EQ(*schedule.next(), now + seconds{wait});
        now += seconds{wait};
    }
    schedule.on_answer(0, living(seconds{10}), now);
    schedule.on_answer(0, nothing, now);
    EXPECT_EQ(*schedule.next(), now + seconds{1});
}

/// Answers from a table that the test changes.
class TableResolver final : public NameResolver {
public:
    void set(const std::string& name, std::vector<std::string> endpoints) {
        const std::scoped_lock lock(mutex_);
        table_[name] = std::move(endpoints);
    }
    std::vector<NameAnswer> resolve(const std::vector<NameQuery>& queries,
                                    const std::stop_token&) override {
        const std::scoped_lock lock(mutex_);
        std::vector<NameAnswer> answers;
        for (const NameQuery& query : queries) {
            const auto found = table_.find(query.name);
            if (found == table_.end()) {
                answers.push_back({.problem = query.text() + ": there is no such name"});
            } else {
                answers.push_back({.endpoints = found->second, .ttl = seconds{5}});
            }
        }
        return answers;
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::vector<std::string>> table_;
};

class SubscriberWithNames : public ::testing::Test {
protected:
    void open(std::vector<std::string> endpoints, std::vector<std::string> srv = {}) {
        auto settings = connected_to(std::move(endpoints));
        settings.srv = std::move(srv);
        settings.resolver = resolver_;
        subscriber_ = world_.subscriber(settings, received_.hooks());
    }
    std::unique_ptr<Publisher> publisher_at(const std::string& endpoint) {
        return world_.publisher(shared(git_), bound_at(endpoint));
    }

    WorldClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    std::shared_ptr<TableResolver> resolver_ = std::make_shared<TableResolver>();
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

TEST_F(SubscriberWithNames, HearsThePublishersThatAHostAndServiceRecordsStandFor) {
    const auto git = publisher_at("tcp://10.0.0.1:7001");
    const auto build = publisher_at("tcp://10.0.0.2:7002");
    resolver_->set("git.example.org", {"tcp://10.0.0.1:7001"});
    resolver_->set("example.org", {"tcp://10.0.0.2:7002"});
    open({"tcp://git.example.org:7001"}, {"example.org"});

    ASSERT_TRUE(subscriber_->wait_ready(patience).ready);
    git->publish("org.weft.dev.a", {{"x", 1}});
    build->publish("org.weft.dev.b", {{"x", 1}});

    EXPECT_TRUE(received_.wait_for(2));
}

TEST_F(SubscriberWithNames, ANameWithoutAnswerIsSaidAndStopsNobodyElse) {
    const auto git = publisher_at("tcp://10.0.0.1:7001");
    open({"tcp://10.0.0.1:7001", "tcp://nobody.example.org:1"});

    ASSERT_TRUE(git->wait_for_subscriber("org.weft.dev.a", patience));
    git->publish("org.weft.dev.a", {{"x", 1}});
    EXPECT_TRUE(received_.wait_for(1));
    EXPECT_TRUE(received_.wait_for_line("host nobody.example.org"));

    const ReadyResult ready = subscriber_->wait_ready(std::chrono::milliseconds{1});
    EXPECT_FALSE(ready.ready);
    EXPECT_THAT(ready.sentence, HasSubstr("nobody.example.org"));
}

TEST_F(SubscriberWithNames, ANameThatComesLaterIsFollowedThen) {
    open({"tcp://late.example.org:7001"});
    ASSERT_TRUE(received_.wait_for_line("host late.example.org"));

    const auto late = publisher_at("tcp://10.0.0.3:7001");
    resolver_->set("late.example.org", {"tcp://10.0.0.3:7001"});

    EXPECT_TRUE(late->wait_for_subscriber("org.weft.dev.a", patience));
    EXPECT_TRUE(subscriber_->wait_ready(patience).ready);
}

}  // namespace
}  // namespace weft::fabric
