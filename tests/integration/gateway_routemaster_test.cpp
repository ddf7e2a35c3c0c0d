// Routemaster on the real `weft gateway`, with receivers as services have them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "signing/sodium.hpp"
#include "tests/integration/journal_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::HasSubstr;

class GatewayRoutemaster : public ::testing::Test {
protected:
    GatewayRoutemaster() {
        fabric_.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(free_port()) +
            "' } }\n"
            "gateway:\n"
            "  listeners: [ { address: '127.0.0.1:0', serve: [metrics] },\n"
            "               { address: '127.0.0.1:0', serve: [routemaster] } ]\n"
            "  webhooks: { allow_http: true, allow_networks: [127.0.0.0/8] }\n"
            "  routemaster: { root_key: root, clients: [shop--1, a--1, b--1, c--1] }");
    }

    Process gateway() {
        Process gateway = fabric_.start({"gateway"});
        metrics_port_ = port_of(gateway, "metrics");
        port_ = port_of(gateway, "routemaster");
        gateway.wait_for_line(Stream::out, "ready");
        client_ = std::make_unique<HttpClient>(port_);
        return gateway;
    }
    static std::uint16_t port_of(Process& gateway, const std::string& protocol) {
        const std::string line = gateway.wait_for_line(Stream::out, "listening " + protocol + " ");
        return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
    }
    /// Over one connection, as clients keep one.
    HttpAnswer ask(const std::string& method, const std::string& path, const std::string& token,
                   const std::string& body = {}) {
        return client_->ask(
            method + " " + path + " HTTP/1.1\r\nHost: bus\r\nAuthorization: Basic " +
            signing::to_base64(token + ":x") +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    unsigned publish(int number, const std::string& topic = "widgets") {
        const json event{{"type", "update"},
                         {"url", "https://a.example/" + std::to_string(number)}};
        return ask("POST", "/topics/" + topic, "shop--1", event.dump()).status;
    }
    unsigned subscribe(const std::string& token, const HttpReceiver& receiver, int max,
                       int timeout) {
        const json body{{"topics", {"widgets"}},
                        {"callback", receiver.url("/" + token)},
                        {"uuid", "secret-" + token},
                        {"max", max},
                        {"timeout", timeout}};
        return ask("POST", "/subscription", token, body.dump()).status;
    }
    json of(const std::string& token) {
        for (const json& one : json::parse(ask("GET", "/subscriptions", token).body)) {
            if (one["subscriber"] == token) return one;
        }
        return nullptr;
    }
    /// False: not within a minute.
    template <class Condition>
    bool comes_true(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            look_again_after_ms(50);
        }
        return true;
    }
    static std::vector<json> batches(const HttpReceiver& receiver) {
        std::vector<json> all;
        for (const ReceivedRequest& request : receiver.requests()) {
            all.push_back(json::parse(request.body));
        }
        return all;
    }
    static std::vector<std::string> urls(const HttpReceiver& receiver) {
        std::vector<std::string> all;
        for (const json& batch : batches(receiver)) {
            for (const json& event : batch) all.push_back(event["url"]);
        }
        return all;
    }
    static std::vector<std::string> expected(int from, int to) {
        std::vector<std::string> all;
        for (int i = from; i < to; ++i) all.push_back("https://a.example/" + std::to_string(i));
        return all;
    }

    Fabric fabric_;
    std::uint16_t port_ = 0, metrics_port_ = 0;
    std::unique_ptr<HttpClient> client_;
};

TEST_F(GatewayRoutemaster, AThousandEventsReachThreeSubscribersEachOnceAndInOrder) {  // M60, M73
    constexpr int count = 1000;
    HttpReceiver a, b, c;
    const Process relay = fabric_.relay();
    Process running = gateway();
    ASSERT_EQ(subscribe("a--1", a, 1, 0), 204U) << running.output();
    ASSERT_EQ(subscribe("b--1", b, 100, 50), 204U);
    ASSERT_EQ(subscribe("c--1", c, 7, 500), 204U);
    for (int i = 0; i < count; ++i) ASSERT_EQ(publish(i), 204U) << running.output();
    for (const std::string& token :
         {std::string{"a--1"}, std::string{"b--1"}, std::string{"c--1"}}) {
        EXPECT_TRUE(comes_true([&] { return of(token)["events"]["sent"] == count; }))
            << of(token) << running.output();
        EXPECT_EQ(of(token)["events"]["queued"], 0);
        EXPECT_EQ(of(token)["events"]["oldest"], nullptr);
    }
    for (const HttpReceiver* receiver : {&a, &b, &c})
        EXPECT_EQ(urls(*receiver), expected(0, count));
    const ReceivedRequest first = a.requests().front();
    EXPECT_EQ(first.line, "POST /a--1 HTTP/1.1");
    EXPECT_EQ(first.header("Content-Type"), "application/json");
    EXPECT_EQ(first.header("Authorization"), "Basic " + signing::to_base64("secret-a--1:x"));
    EXPECT_EQ(first.header("Content-Length"), std::to_string(first.body.size()));
    EXPECT_EQ(first.header("Expect"), "");
    EXPECT_THAT(first.header("User-Agent"), HasSubstr("weft-routemaster/"));
    std::int64_t last = 0;
    for (const json& batch : batches(b)) {
        EXPECT_LE(batch.size(), 100U);
        for (const json& event : batch) {
            EXPECT_GT(event["t"], last);
            last = event["t"];
        }
    }
    EXPECT_EQ(json::parse(ask("GET", "/topics", "shop--1").body),
              json::array({{{"name", "widgets"}, {"publisher", "shop--1"}, {"events", count}}}));
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST_F(GatewayRoutemaster, AfterAKillItGoesOnWhereItWas) {  // M32, M72, M83
    HttpReceiver healthy, failing([](const ReceivedRequest&) { return ReceiverDoes::answer(500); });
    const Process relay = fabric_.relay();
    {
        Process running = gateway();
        ASSERT_EQ(subscribe("a--1", failing, 2, 0), 204U) << running.output();
        ASSERT_EQ(subscribe("b--1", healthy, 1, 0), 204U);
        for (int i = 0; i < 5; ++i) ASSERT_EQ(publish(i), 204U) << running.output();
        EXPECT_TRUE(comes_true([&] { return of("b--1")["events"]["sent"] == 5; }))
            << "a failing subscriber delays no other (M75)" << running.output();
        ASSERT_TRUE(failing.wait_for(3));
        EXPECT_EQ(of("a--1")["events"]["queued"], 5);
        running.signal(SIGKILL);
        static_cast<void>(running.wait());
    }
    for (const json& batch : batches(failing)) EXPECT_EQ(batch, batches(failing).front());
    const std::size_t before = failing.requests().size();
    failing.script([](const ReceivedRequest&) { return ReceiverDoes::answer(204, {}, ""); });
    Process running = gateway();
    EXPECT_EQ(
        ask("POST", "/topics/widgets", "b--1", R"({"type":"update","url":"https://b.example"})")
            .status,
        403U);
    ASSERT_EQ(publish(5), 204U);
    EXPECT_TRUE(comes_true([&] { return of("a--1")["events"]["sent"] == 6; })) << running.output();
    std::vector<std::string> seen;
    const auto all = batches(failing);
    for (std::size_t i = before; i < all.size(); ++i) {
        for (const json& event : all[i]) seen.push_back(event["url"]);
    }
    EXPECT_EQ(seen, expected(0, 6));
    EXPECT_EQ(json::parse(ask("GET", "/topics", "root").body)[0]["events"], 6);
}

TEST_F(GatewayRoutemaster, EventsOfAServiceOnTheFabricAreDelivered) {
    HttpReceiver a;
    const Process relay = fabric_.relay();
    Process running = gateway();
    ASSERT_EQ(subscribe("a--1", a, 1, 0), 204U) << running.output();
    for (const char* body :
         {R"({"type": "create"})", R"({"type": "create", "url": "https://a.example/0"})"}) {
        const Finished sent = fabric_.weft({"publish", "routemaster.widgets", "--json", body});
        ASSERT_EQ(sent.exit_code, 0) << sent.err;
    }
    ASSERT_TRUE(a.wait_for(1)) << running.output();
    EXPECT_EQ(urls(a), expected(0, 1));
    EXPECT_EQ(json::parse(ask("GET", "/topics", "root").body),
              json::array({{{"name", "widgets"}, {"publisher", nullptr}, {"events", 1}}}));
    HttpClient metrics(metrics_port_);
    EXPECT_THAT(metrics.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body,
                HasSubstr("routemaster_events_malformed_total 1"));
}

TEST_F(GatewayRoutemaster, WhoPollsMissesNothingWhenTheGatewayIsKilled) {  // M83
    const Process relay = fabric_.relay();
    std::vector<std::string> got;
    std::string ack = "0";
    const auto poll = [&] {
        const HttpAnswer answer =
            ask("GET", "/subscription/events?max=4&wait=20s&ack=" + ack, "a--1");
        EXPECT_EQ(answer.status, 200U) << answer.body;
        const json page = json::parse(answer.body);
        for (const json& event : page["events"]) got.push_back(event["url"]);
        ack = page["ack"];
    };
    {
        Process running = gateway();
        ASSERT_EQ(
            ask("POST", "/subscription", "a--1", R"({"topics": ["widgets"], "callback": "poll"})")
                .status,
            204U);
        for (int i = 0; i < 6; ++i) ASSERT_EQ(publish(i), 204U) << running.output();
        poll();
        running.signal(SIGKILL);
        static_cast<void>(running.wait());
    }
    Process running = gateway();
    ASSERT_TRUE(comes_true([&] { return ask("GET", "/pulse", "a--1").status == 204; }));
    for (int i = 6; i < 10; ++i) ASSERT_EQ(publish(i), 204U) << running.output();
    poll();
    poll();
    EXPECT_EQ(got, expected(0, 10));
    EXPECT_EQ(ask("GET", "/subscription/events?max=0&ack=" + ack, "a--1").status, 200U);
    EXPECT_EQ(of("a--1")["events"]["queued"], 0);
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << running.output();
}

TEST_F(GatewayRoutemaster, TokensOfRootOutliveARestart) {  // M9, M24
    const Process relay = fabric_.relay();
    std::string token;
    {
        Process running = gateway();
        const HttpAnswer made = ask("POST", "/api_tokens", "root", R"({"name":"mall"})");
        ASSERT_EQ(made.status, 201U) << made.body << running.output();
        token = json::parse(made.body)["token"];
        EXPECT_EQ(ask("GET", "/pulse", token).status, 204U);
        running.signal(SIGTERM);
        EXPECT_EQ(running.wait(), 0) << running.output();
    }
    Process running = gateway();
    EXPECT_EQ(ask("GET", "/pulse", token).status, 204U);
    EXPECT_EQ(ask("GET", "/pulse/scaling", token).status, 204U);
    EXPECT_EQ(ask("GET", "/health", "nobody").status, 200U);
}

}  // namespace
}  // namespace weft::testing
