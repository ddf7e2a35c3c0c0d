// What the gateway adds to the protocol: tags, hints when to poll, keys of posts, a limit for
// guessing tokens.

#include <set>

#include "tests/unit/gateway/rse/rse_world.hpp"

#include "gateway/auth/access.hpp"
#include "gateway/rse/activity.hpp"
#include "gateway/rse/posted_keys.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class RseExtras : public RseWorld {
protected:
    Response get_with(std::string target, std::string name, std::string value) {
        return send(request("GET", std::move(target), {},
                            {{"User-Agent", agent}, {std::move(name), std::move(value)}}));
    }
    Response post_with_key(std::string target, std::string body, std::string key,
                           const char* as = agent) {
        return send(request("POST", std::move(target), std::move(body),
                            {{"User-Agent", as}, {"Idempotency-Key", std::move(key)}}));
    }
};

TEST_F(RseExtras, TheSameEventsHaveTheSameTagHoweverOldTheyAre) {  // R163, R164
    post("/a", "[1]", other);
    const Response first = get("/a");
    const std::string tag{first.headers.find("ETag").value_or("")};
    EXPECT_THAT(tag, ::testing::StartsWith("W/\""));
    EXPECT_EQ(first.headers.find("Cache-Control"), "no-store")
        << "clients compare, caches keep none";
    clock.advance(30s);
    const Response again = get_with("/a", "If-None-Match", "\"x\", " + tag);
    EXPECT_EQ(again.status, 304U);
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.headers.find("ETag"), tag);
    EXPECT_EQ(again.headers.find("X-RSE-Last-Id"), "1");

    post("/a", "[2]", other);
    EXPECT_THAT(ids(get_with("/a", "If-None-Match", tag)), ElementsAre(1, 2));
}

TEST_F(RseExtras, AnotherQuestionHasAnotherTag) {  // R163
    post("/a", "[1]", other);
    std::set<std::string> tags;
    const std::vector<std::string> targets = {"/a", "/a?sort=-1", "/a?max-events=7", "/a?echo=true",
                                              "/a?events=parent"};
    for (const std::string& target : targets) {
        tags.insert(std::string{get(target).headers.find("ETag").value_or("")});
    }
    tags.insert(std::string{get("/a", "else uuid/e").headers.find("ETag").value_or("")});
    EXPECT_EQ(tags.size(), targets.size() + 1);
    const Response empty = get("/b");
    EXPECT_FALSE(empty.headers.find("ETag"));
    EXPECT_EQ(empty.headers.find("Cache-Control"), "no-store");
}

TEST_F(RseExtras, SaysWhenToPollAgain) {  // R165
    EXPECT_EQ(get("/a").headers.find("X-RSE-Poll-After"), "30");
    post("/a", "[1]", other);
    post("/a", "[2]", other);
    EXPECT_EQ(get("/a?max-events=1").headers.find("X-RSE-Poll-After"), "0") << "there is more";
    EXPECT_EQ(get("/a").headers.find("X-RSE-Poll-After"), "5");
    EXPECT_EQ(get("/a?last-known-id=2").headers.find("X-RSE-Poll-After"), "5");
    EXPECT_EQ(get("/b").headers.find("X-RSE-Poll-After"), "30");
    EXPECT_FALSE(get("/a?wait=5").headers.find("X-RSE-Poll-After")) << "it waits by itself";
}

TEST(RseActivity, IsOverAfterTwoMinutesAndNeverLongerThanTheTtlAllows) {  // R165
    Activity activity(120s);
    activity.happened("/a", 10s);
    EXPECT_EQ(activity.poll_after("/a", 130s), 5s);
    EXPECT_EQ(activity.poll_after("/a", 131s), 30s);
    EXPECT_EQ(Activity(8s).poll_after("/a", 0s), 2s);
    for (std::size_t i = 0; i < Activity::channels_max; ++i) {
        activity.happened(std::to_string(i), 130s);
    }
    EXPECT_EQ(activity.poll_after("/a", 130s), 30s) << "the oldest was forgotten";
}

TEST_F(RseExtras, APostThatIsRepeatedWithItsKeyIsAnsweredAndNotStored) {  // R167
    const Response first = post_with_key("/a", "[1]", "k");
    const Response again = post_with_key("/a", "[1]", "k");
    EXPECT_EQ(again.status, 201U);
    EXPECT_EQ(id_of(again), id_of(first));
    EXPECT_EQ(bridge.published(), 1U);
    EXPECT_EQ(post_with_key("/a", "[2]", "k").status, 422U);
    EXPECT_EQ(post_with_key("/b", "[1]", "k").status, 422U);
    EXPECT_EQ(post_with_key("/a", "[2]", "k", other).status, 201U) << "somebody else's key";
    EXPECT_EQ(post_with_key("/a", "[2]", "k2").status, 201U);
    EXPECT_EQ(post_with_key("/a", "[2]", std::string(256, 'k')).status, 400U);
    EXPECT_EQ(post_with_key("/a", "not json", "k3").status, 400U);
    EXPECT_EQ(post_with_key("/a", "[3]", "k3").status, 201U) << "a refused post uses up no key";
}

TEST_F(RseExtras, WhatFailedMayBePostedAgainUnderItsKey) {  // R167
    bridge.fail_publish(BridgeError{BridgeError::Kind::journal_away, "away"});
    EXPECT_EQ(post_with_key("/a", "[1]", "k").status, 503U);
    bridge.fail_publish(std::nullopt);
    EXPECT_EQ(post_with_key("/a", "[1]", "k").status, 201U);
}

TEST(RsePostedKeys, AKeyIsKeptForItsTimeAndUnderWayUntilItEnds) {  // R167
    PostedKeys keys(120s);
    EXPECT_EQ(keys.begin("k", 1, 0s).begun, PostedKeys::Begun::first);
    EXPECT_EQ(keys.begin("k", 1, 1s).begun, PostedKeys::Begun::under_way);
    keys.end("k", 7);
    EXPECT_EQ(keys.begin("k", 1, 120s).id, 7U);
    EXPECT_EQ(keys.begin("k", 1, 121s).begun, PostedKeys::Begun::first);
    for (std::size_t i = 0; i < PostedKeys::keys_max; ++i) {
        static_cast<void>(keys.begin(std::to_string(i), 1, 121s));
    }
    EXPECT_EQ(keys.begin("k", 1, 121s).begun, PostedKeys::Begun::first) << "the oldest went";
}

TEST_F(RseExtras, WhoGuessesTokensIsToldToWait) {  // H2
    tokens.principals["good"] = principal({"**"}, {"**"});
    for (unsigned i = 0; i < Access::failures_max; ++i) {
        EXPECT_EQ(get_with("/a", "X-Auth-Token", "bad").status, 401U);
    }
    const Response now = get_with("/a", "X-Auth-Token", "bad");
    EXPECT_EQ(now.status, 429U);
    EXPECT_EQ(now.headers.find("Retry-After"), "60");
    EXPECT_EQ(get_with("/health?verbose=1", "X-Auth-Token", "bad").status, 429U);
    EXPECT_EQ(get("/health").status, 200U);
}

}  // namespace
}  // namespace weft::gateway::rse
