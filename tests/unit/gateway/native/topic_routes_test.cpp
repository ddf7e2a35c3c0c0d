// Topics and peers, as they are asked for.

#include "gateway/native/topic_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/native/peer_routes.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using nlohmann::json;
using support::StreamingExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Response ask(const RouteTable& table, const std::string& target, const Principal& who) {
    Request request;
    request.method = "GET";
    request.target = target;
    auto exchange = std::make_shared<StreamingExchange>(std::move(request));
    const Request& asked = exchange->request();
    table.serve(*path_segments(asked.raw_path()),
                {exchange, *Query::parse(asked.raw_query().value_or("")), who, {}});
    auto response = exchange->wait();
    if (!response) throw std::runtime_error("no answer to " + target);
    return *response;
}

class TopicRoutes : public ::testing::Test {
protected:
    TopicRoutes() {
        anybody_.everything = true;
        ci_.read = {*signing::TopicGlob::parse("org.weft.dev.git.**")};
        traffic_.counted_after = 4;
        traffic_.counted_since_us = support::WallClock::begin_us;
        add_topic_routes(table_, traffic_, clock_, {"org.weft", "dev"});
    }
    void pass(const std::string& topic, std::uint64_t messages, std::uint64_t last) {
        traffic_.topics.passed({"org.weft.dev." + topic, messages, last, clock_.utc_us()});
    }
    [[nodiscard]] json get(const std::string& query, const Principal& who) const {
        return json::parse(ask(table_, "/v1/topics" + query, who).body);
    }
    [[nodiscard]] json get(const std::string& query = "") const { return get(query, anybody_); }
    static std::vector<std::string> names(const json& answer) {
        std::vector<std::string> names;
        for (const auto& one : answer["topics"]) {
            names.push_back(one["topic"].get<std::string>().substr(13));
        }
        return names;
    }

    support::WallClock clock_;
    Traffic traffic_;
    RouteTable table_;
    Principal anybody_, ci_;
};

TEST_F(TopicRoutes, SayWhatWasStoredOnWhichTopicTheLastFirst) {
    pass("git.commit", 120, 200);
    pass("wiki.edit", 1, 201);
    const json all = get();
    EXPECT_THAT(names(all), ElementsAre("wiki.edit", "git.commit"));
    EXPECT_EQ(all["topics"][1]["messages"], 120);
    EXPECT_EQ(all["topics"][1]["last_journal_id"], 200);
    EXPECT_EQ(all["topics"][1]["last_time"], "2027-01-15T08:00:00.000000Z");
    EXPECT_EQ(all["topics"][1]["per_second"], 2);
    EXPECT_EQ(all["counted_after"], 4);
    EXPECT_EQ(all["counted_since"], "2027-01-15T08:00:00.000000Z");
    EXPECT_EQ(all["forgotten"], 0);
    EXPECT_EQ(all["more"], false);
}

TEST_F(TopicRoutes, AreAskedForByGlobAndLimit) {
    for (const char* topic : {"git.commit", "git.push", "wiki.edit"}) pass(topic, 1, 1);
    EXPECT_THAT(names(get("?topic=git.*")), ElementsAre("git.push", "git.commit"));
    const json one = get("?topic=git.*&topic=wiki.**&limit=1");
    EXPECT_THAT(names(one), ElementsAre("wiki.edit"));
    EXPECT_EQ(one["more"], true);
    EXPECT_EQ(get("?topic=wiki.*&limit=1")["more"], false);
    for (const char* wrong : {"?limit=0", "?limit=10001", "?limit=x", "?topic=a.**b"}) {
        EXPECT_EQ(ask(table_, std::string{"/v1/topics"} + wrong, anybody_).status, 400U) << wrong;
    }
}

TEST_F(TopicRoutes, ATokenSeesWhatItMayRead) {
    pass("git.commit", 1, 1);
    pass("wiki.edit", 1, 2);
    EXPECT_THAT(names(get("", ci_)), ElementsAre("git.commit"));
    EXPECT_THAT(names(get("?topic=wiki.*", ci_)), IsEmpty());
}

TEST(TopicsBeforeTheStart, AreThoseOfTheJournalWithTheirLastMessages) {
    support::WallClock clock;
    support::FakeBridge bridge(clock);
    bridge.store({"a", "{}"});
    bridge.store({"b", "{}"});
    const auto last = bridge.store({"a", "{}"});
    Traffic traffic;
    TopicsBefore before(last);
    while (before.step(bridge.memory(), traffic)) {
    }
    const auto rows = traffic.topics.snapshot(clock.utc_us()).rows;
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].name, "a");
    EXPECT_EQ(rows[0].last_id, 3U);
    EXPECT_EQ(rows[0].last_us, clock.utc_us());
    EXPECT_EQ(rows[0].messages, 0U);
    EXPECT_EQ(rows[1].last_id, 2U);
}

TEST(JournalDeskTellsWhatIsStored, SoThatTopicsAreCounted) {
    support::WallClock clock;
    Traffic traffic;
    JournalDeskSettings settings;
    settings.on_stored = [&](const reliability::StoredRun& run) {
        traffic.topics.passed({run.topic, run.to - run.from + 1, run.to, run.stored_us});
    };
    support::FakeBridge bridge(clock, std::move(settings));
    bridge.store({"a", "{}"});
    const auto last = bridge.store({"a", "{}"});
    support::Answer<Woken> woken;
    while (!bridge.nothing_after(last, {})) {
        bridge.wait(last, {}, std::chrono::milliseconds{1}, [&](Woken how) { woken.give(how); });
        ASSERT_TRUE(woken.take());
    }
    const auto rows = traffic.topics.snapshot(clock.utc_us()).rows;
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].messages, 2U);
    EXPECT_EQ(rows[0].last_id, 2U);
}

Peers some_peers() {
    Peers peers;
    peers.name = "git.host1";
    peers.relay_inbound = "tcp://127.0.0.1:1";
    peers.relay_outbound = "tcp://127.0.0.1:2";
    peers.why_not_linked = "the relay cannot be reached";
    peers.publisher.accepted = 10;
    peers.publisher.sent = 6;
    peers.publisher.unwanted = 1;
    peers.publisher.refused_full = 2;
    peers.recorder.waiting = 5;
    peers.recorder.subscriber.delivered = 7;
    peers.recorder.subscriber.missing = 3;
    peers.publishers.rows = {{"web1.host1", 4, 0, 1'800'000'000'000'000, 0.5}};
    peers.journals = {{"git.host1", "", true}, {"journal.host2", "tcp://127.0.0.1:3", false}};
    return peers;
}

TEST(PeerRoutes, SayWhoIsThereWhatWaitsAndWhatWasLost) {
    RouteTable table;
    add_peer_routes(table, some_peers);
    Principal admin;
    admin.name = "root";
    admin.admin = true;
    const json peers = json::parse(ask(table, "/v1/peers", admin).body);
    EXPECT_EQ(peers["mode"], "relay");
    EXPECT_EQ(peers["relay"]["outbound"], "tcp://127.0.0.1:2");
    EXPECT_EQ(peers["linked"], false);
    EXPECT_THAT(peers["why_not_linked"].get<std::string>(), HasSubstr("cannot be reached"));
    EXPECT_EQ(peers["publisher"]["queued"], 3);
    EXPECT_EQ(peers["publisher"]["dropped"]["queue_full"], 2);
    EXPECT_EQ(peers["subscriber"]["queued"], 5);
    EXPECT_EQ(peers["subscriber"]["missing"], 3);
    EXPECT_EQ(peers["publishers"][0]["name"], "web1.host1");
    EXPECT_EQ(peers["publishers"][0]["per_second"], 0.5);
    EXPECT_EQ(peers["journals"][0]["endpoint"], nullptr);
    EXPECT_EQ(peers["journals"][1]["own"], false);
    EXPECT_EQ(peers["counters"]["weft_messages_sent_total"], 6);
}

TEST(PeerRoutes, AreForAdminTokensAlone) {
    RouteTable table;
    bool asked = false;
    add_peer_routes(table, [&] {
        asked = true;
        return Peers{};
    });
    Principal reader;
    reader.name = "ci";
    reader.read = {*signing::TopicGlob::parse("**")};
    const Response refused = ask(table, "/v1/peers", reader);
    EXPECT_EQ(refused.status, 403U);
    EXPECT_THAT(refused.body, HasSubstr("--admin"));
    EXPECT_FALSE(asked);
    Principal anybody;
    anybody.everything = true;
    const json peers = json::parse(ask(table, "/v1/peers", anybody).body);
    EXPECT_EQ(peers["mode"], "bind");
    EXPECT_EQ(peers["relay"], nullptr);
}

}  // namespace
}  // namespace weft::gateway::native
