// `weft gateway` as its clients have it: curl against real processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "tests/integration/journal_fixture.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A gateway with its own journal, and what curl says to it.
class Gateway : public ::testing::Test {
protected:
    Gateway() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [native, metrics] },\n"
            "                        { address: '127.0.0.1:0', serve: [rse] } ] }");
    }

    Process gateway(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"gateway"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Process gateway = fabric_.start(arguments);
        native_ = url_of(gateway, "native");
        rse_ = url_of(gateway, "rse");
        gateway.wait_for_line(Stream::out, "ready");
        return gateway;
    }
    static std::string url_of(Process& gateway, const std::string& protocol) {
        const std::string line = gateway.wait_for_line(Stream::out, "listening " + protocol + " ");
        return line.substr(line.rfind(' ') + 1);
    }

    struct Answer {
        int status = 0;
        std::string body;
    };
    Answer curl(const std::vector<std::string>& arguments) const {
        std::vector<std::string> argv{"curl", "-sS", "--max-time", "25", "-w", "\n%{http_code}"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        const Finished done = run(argv);
        const std::size_t line = done.out.rfind('\n');
        if (done.exit_code != 0 || line == std::string::npos) {
            throw std::runtime_error("curl: " + done.err + done.out);
        }
        return {std::stoi(done.out.substr(line + 1)), done.out.substr(0, line)};
    }
    static std::vector<std::string> rse_client() {
        return {"-A", "test/1.0 uuid/12345678-1234-4234-8234-123456789012"};
    }
    Answer rse(std::vector<std::string> arguments) const {
        for (const std::string& one : rse_client()) arguments.push_back(one);
        return curl(arguments);
    }

    Fabric fabric_;
    std::string native_, rse_;
};

TEST_F(Gateway, PublishesReadsAndStreams) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    const Answer published =
        curl({"-d", R"({"hash": "2f1c9e"})", native_ + "/v1/topics/git.commit?durable=true"});
    ASSERT_EQ(published.status, 201) << published.body << running.output();
    const json id = json::parse(published.body);
    EXPECT_EQ(id["journal_id"], 1);

    const json read = json::parse(curl({native_ + "/v1/events?topic=git.*"}).body);
    ASSERT_EQ(read["events"].size(), 1U);
    EXPECT_EQ(read["events"][0]["id"], id["id"]);
    EXPECT_EQ(read["events"][0]["signer"], "git.host1");
    EXPECT_EQ(read["events"][0]["verified"], true);
    EXPECT_EQ(read["events"][0]["headers"]["via"], "http:anonymous");
    EXPECT_EQ(curl({native_ + "/v1/events/1"}).status, 200);

    const Process stream =
        Process::start({"curl", "-sS", "-N", native_ + "/v1/stream?topic=git.**&after=beginning"});
    while (stream.out().find("\"2f1c9e\"") == std::string::npos) look_again_after_ms(5);
    curl({"-d", R"({"hash": "next"})", native_ + "/v1/topics/git.commit"});
    while (stream.out().find("id: 2\n") == std::string::npos) look_again_after_ms(5);
    EXPECT_THAT(stream.out(), HasSubstr("\"next\""));
    Process& stopping = running;
    stopping.signal(SIGTERM);
    EXPECT_EQ(stopping.wait(), 0) << stopping.output();
    while (!stream.has_ended()) look_again_after_ms(5);
    EXPECT_THAT(stream.out(), HasSubstr("event: end"));
}

TEST_F(Gateway, WhatServicesPublishReachesHttpAndTheOtherWayRound) {
    const Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--topic", "**"});
    Process running = gateway();
    const Finished sent = fabric_.weft({"publish", "rse.a.b", "--json", R"({"from": "service"})"});
    ASSERT_EQ(sent.exit_code, 0) << sent.err;
    Answer polled;
    do {
        polled = rse({rse_ + "/a/b?echo=true"});
    } while (polled.status == 204);
    ASSERT_EQ(polled.status, 200);
    EXPECT_THAT(polled.body, HasSubstr("service"));

    ASSERT_EQ(rse({"-d", R"({"from": "poller"})", rse_ + "/a/b"}).status, 201);
    tail.wait_for_line(Stream::out, "poller");
    EXPECT_THAT(tail.out(), HasSubstr("org.weft.dev.rse.a.b"));
    EXPECT_THAT(tail.out(), HasSubstr("\"via\""));
}

TEST_F(Gateway, WhatWasStoredIsThereAfterKill9AndIdsGoOn) {
    const Process relay = fabric_.relay();
    {
        Process running = gateway();
        for (int i = 0; i < 20; ++i) {
            ASSERT_EQ(curl({"-d", "{}", native_ + "/v1/topics/a?durable=true"}).status, 201);
        }
        running.signal(SIGKILL);
        static_cast<void>(running.wait());
    }
    Process again = gateway();
    const json read = json::parse(curl({native_ + "/v1/events"}).body);
    EXPECT_EQ(read["events"].size(), 20U);
    const Answer next = curl({"-d", "{}", native_ + "/v1/topics/a?durable=true"});
    EXPECT_EQ(json::parse(next.body)["journal_id"], 21) << next.body;
}

TEST_F(Gateway, TokensAreAskedForWhereTheyAreRequired) {
    const Process relay = fabric_.relay();
    const Finished made =
        fabric_.weft({"token", "add", "ci", "--publish", "build.*", "--read", "**"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const std::string token = made.out.substr(0, made.out.size() - 1);
    fabric_.configure("gateway: { auth: { required: true } }");
    Process running = gateway();
    EXPECT_EQ(curl({native_ + "/v1/events"}).status, 401);
    const std::string bearer = "Authorization: Bearer " + token;
    EXPECT_EQ(curl({"-H", bearer, native_ + "/v1/events"}).status, 200);
    EXPECT_EQ(curl({"-H", bearer, "-d", "{}", native_ + "/v1/topics/build.done"}).status, 202);
    EXPECT_EQ(curl({"-H", bearer, "-d", "{}", native_ + "/v1/topics/git.commit"}).status, 403);
    const Process stream =
        Process::start({"curl", "-sS", "-N", "-H", bearer, native_ + "/v1/stream"});
    while (stream.out().find("retry:") == std::string::npos) look_again_after_ms(5);
    ASSERT_EQ(fabric_.weft({"token", "revoke", "ci"}).exit_code, 0);
    while (curl({"-H", bearer, native_ + "/v1/events"}).status != 401) look_again_after_ms(20);
    while (!stream.has_ended()) look_again_after_ms(5);
    EXPECT_THAT(stream.out(), HasSubstr("revoked"));
    EXPECT_EQ(curl({native_ + "/metrics"}).status, 200);
}

TEST_F(Gateway, WhoWaitsIsAnsweredWithNothingAtOnceWhenItStops) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    Process poll = Process::start(
        {"curl", "-sS", "-w", "\n%{http_code}", native_ + "/v1/events?after=now&wait=60s"});
    const std::string two = "weft_http_requests_open 2";  // it, and who asks for this
    while (curl({native_ + "/metrics"}).body.find(two) == std::string::npos) {
        look_again_after_ms(5);
    }
    running.signal(SIGTERM);
    EXPECT_EQ(poll.wait(), 0);
    EXPECT_THAT(poll.out(), HasSubstr("{\"events\":[],"));
    EXPECT_THAT(poll.out(), HasSubstr("\n200"));
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST_F(Gateway, ServesItsOwnApiAndMetricsBelowAPrefix) {
    fabric_.configure(
        "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [\n"
        "  { protocol: native, prefix: /x }, { protocol: metrics, prefix: /x } ] },\n"
        "  { address: '127.0.0.1:0', serve: [rse] } ] }");
    const Process relay = fabric_.relay();
    const Process running = gateway();  // its url ends with the prefix
    EXPECT_EQ(curl({"-d", "{}", native_ + "/v1/topics/a?durable=true"}).status, 201);
    EXPECT_EQ(curl({native_ + "/v1/events/1"}).status, 200);
    EXPECT_EQ(curl({native_ + "/v1/webhooks"}).status, 200);
    EXPECT_EQ(curl({native_ + "/metrics"}).status, 200);
    EXPECT_EQ(curl({native_ + "/readyz"}).status, 200);
    const Answer described = curl({native_ + "/openapi.json"});
    ASSERT_EQ(described.status, 200);
    EXPECT_EQ(json::parse(described.body)["servers"][0]["url"], "/x");
    const std::string root = native_.substr(0, native_.size() - 2);
    EXPECT_EQ(curl({root + "/v1/events"}).status, 404);
}

TEST_F(Gateway, SaysWhetherItIsReadyAndWhatItCounts) {
    std::optional<Process> relay = fabric_.relay();
    Process running = gateway();
    while (curl({native_ + "/readyz"}).status != 200) look_again_after_ms(20);
    EXPECT_EQ(curl({native_ + "/healthz"}).body, "ok\n");
    const std::string metrics = curl({native_ + "/metrics"}).body;
    EXPECT_THAT(metrics, HasSubstr("# TYPE weft_journal_head_id gauge"));
    EXPECT_THAT(metrics, HasSubstr("weft_http_requests_total"));
}

TEST_F(Gateway, AndItsRelayMayBeCheckedBeforeEitherIsReady) {
    fabric_.configure(
        "gateway: { listeners: [ { address: '127.0.0.1:" + std::to_string(free_port()) +
        "', serve: [native, metrics] },\n"
        "                        { address: '127.0.0.1:0', serve: [rse] } ] }");
    const Process running = gateway({"--ready-timeout", "1ms"});
    const Answer alone = curl({native_ + "/readyz"});
    EXPECT_EQ(alone.status, 503);
    EXPECT_THAT(alone.body, HasSubstr("the relay at"));
    Process check = fabric_.start({"check", "--timeout", "20s"});
    const Process relay = fabric_.relay();
    EXPECT_EQ(check.wait(), 0) << check.output();
    EXPECT_THAT(check.output(), HasSubstr("up    gateway"));
    EXPECT_EQ(curl({native_ + "/readyz"}).status, 200);
}

TEST_F(Gateway, AGatewayThatDoesNotBecomeReadyIsNotUp) {
    fabric_.configure(
        "gateway: { listeners: [ { address: '127.0.0.1:" + std::to_string(free_port()) +
        "', serve: [native, metrics] },\n"
        "                        { address: '127.0.0.1:0', serve: [rse] } ] }");
    const Process running = gateway({"--ready-timeout", "1ms"});
    const Finished checked = fabric_.weft({"check", "--timeout", "200ms"});
    EXPECT_EQ(checked.exit_code, 1);
    EXPECT_THAT(checked.out, HasSubstr("down  gateway"));
    EXPECT_THAT(checked.out, HasSubstr("the relay at"));
}

TEST_F(Gateway, KnowsTopicsFromBeforeItsStartAndCountsWhatComes) {
    const Process relay = fabric_.relay();
    const auto topics = [&] {
        return json::parse(curl({native_ + "/v1/topics?topic=git.*"}).body)["topics"];
    };
    {
        Process running = gateway();
        for (int i = 0; i < 2; ++i) {
            ASSERT_EQ(curl({"-d", "{}", native_ + "/v1/topics/git.push?durable=true"}).status, 201);
        }
        while (topics().empty() || topics()[0]["messages"] != 2) look_again_after_ms(10);
        EXPECT_EQ(topics()[0]["last_journal_id"], 2);
        running.signal(SIGTERM);
        EXPECT_EQ(running.wait(), 0) << running.output();
    }
    Process again = gateway();
    while (topics().empty()) look_again_after_ms(10);
    EXPECT_EQ(topics()[0]["messages"], 0);
    EXPECT_EQ(topics()[0]["last_journal_id"], 2);
    ASSERT_EQ(curl({"-d", "{}", native_ + "/v1/topics/git.push?durable=true"}).status, 201);
    while (topics()[0]["messages"] != 1) look_again_after_ms(10);
    EXPECT_EQ(topics()[0]["last_journal_id"], 3);
    const json all = json::parse(curl({native_ + "/v1/topics"}).body);
    EXPECT_EQ(all["counted_after"], 2);
    EXPECT_EQ(all["forgotten"], 0);
}

TEST_F(Gateway, KnowsItsPeers) {
    std::optional<Process> relay = fabric_.relay();
    Process running = gateway();
    const auto peers = [&] { return json::parse(curl({native_ + "/v1/peers"}).body); };
    ASSERT_EQ(fabric_.weft({"publish", "git.push", "--json", "{}"}).exit_code, 0);
    while (peers()["publishers"].empty()) look_again_after_ms(10);
    EXPECT_EQ(peers()["publishers"][0]["name"], "git.host1");
    EXPECT_EQ(peers()["linked"], true);
    EXPECT_EQ(peers()["journals"][0]["own"], true);
    relay.reset();
    while (peers()["linked"] == true) look_again_after_ms(10);
    EXPECT_THAT(peers()["why_not_linked"].get<std::string>(), HasSubstr("weft relay"));
}

TEST_F(Gateway, RefusesWhatCouldBeReadInTwoWays) {
    const Process relay = fabric_.relay();
    Process running = gateway();
    EXPECT_EQ(curl({"-H", "Content-Length: 3", "-H", "Transfer-Encoding: chunked", "-d", "abc",
                    native_ + "/v1/topics/a"})
                  .status,
              400);
    EXPECT_EQ(curl({native_ + "/v2"}).status, 404);
    EXPECT_EQ(
        curl({"-d", "{", "-H", "Content-Type: application/json", native_ + "/v1/topics/a"}).status,
        400);
    EXPECT_EQ(json::parse(curl({native_ + "/v1/events"}).body)["events"].size(), 0U);
}

}  // namespace
}  // namespace weft::testing
