// The delivery portal over HTTP, with an engine that only writes down what it is asked.

#include "gateway/webhooks/webhook_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/wanted.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/fake_exchange.hpp"
#include "tests/support/recording_engine.hpp"

namespace weft::gateway::webhooks {
namespace {

using nlohmann::json;
using support::FakeExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// Tokens "ci" (reads git), "other" (reads git) and "root" (an admin).
class Tokens final : public Authenticator {
public:
    std::optional<Principal> find(std::string_view token) override {
        Principal who;
        who.name = token;
        if (token == "root") {
            who.admin = true;
            return who;
        }
        if (token != "ci" && token != "other") return std::nullopt;
        who.read = {*signing::TopicGlob::parse("org.weft.dev.git.**")};
        return who;
    }
};

class SameThread final : public JournalRoom {
public:
    explicit SameThread(JournalThings things) : things_(things) {}
    bool work(Work work) override {
        if (full) return false;
        work(things_);
        return true;
    }
    bool full = false;

private:
    JournalThings things_;
};

class WebhooksOverHttp : public ::testing::Test {
protected:
    std::shared_ptr<FakeExchange> begin(const std::string& method, const std::string& target,
                                        const std::string& body, const std::string& token) {
        Request request;
        request.method = method;
        request.target = target;
        request.body = body;
        request.peer = "127.0.0.1:1";
        if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
        auto exchange = std::make_shared<FakeExchange>(std::move(request));
        handler_.handle(exchange);
        return exchange;
    }
    Response ask(const std::string& method, const std::string& target, const std::string& body = "",
                 const std::string& token = "ci") {
        const auto exchange = begin(method, target, body, token);
        const auto response = exchange->wait();
        if (!response) throw std::runtime_error("no answer to " + method + " " + target);
        EXPECT_EQ(exchange->answers(), 1);
        return *response;
    }
    static json parsed(const Response& response) { return json::parse(response.body); }
    static std::string detail(const Response& response) { return parsed(response)["detail"]; }

    json make(const json& beside = json::object(), const std::string& token = "ci") {
        json body{{"url", "https://example.com/hook"}, {"topics", {"git.*"}}};
        body.update(beside);
        const Response made = ask("POST", "/v1/webhooks", body.dump(), token);
        EXPECT_EQ(made.status, 201U) << made.body;
        return parsed(made);
    }
    std::string made_id() { return make()["id"]; }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    reliability::CursorStore cursors_{bridge_.memory(), clock_};
    reliability::GroupService groups_{cursors_};
    reliability::StoredVerifier verifier_{nullptr};
    SameThread room_{{bridge_.memory(), cursors_, groups_, verifier_}};
    Tokens tokens_;
    Access access_{tokens_, true, clock_};
    support::RecordingEngine engine_;
    WebhookHandler handler_{{engine_,
                             bridge_,
                             room_,
                             access_,
                             clock_,
                             {"org.weft", "dev"},
                             {{std::chrono::seconds{0}, std::chrono::seconds{5}}}}};
};

TEST_F(WebhooksOverHttp, MakesOneWithItsSecretAndWhatWasLeftOut) {
    const json made = make();
    EXPECT_THAT(made["id"].get<std::string>(), StartsWith("wh_"));
    EXPECT_THAT(made["secret"].get<std::string>(), StartsWith("whsec_"));
    EXPECT_THAT(made["public_key"].get<std::string>(), StartsWith("whpk_"));
    EXPECT_EQ(made["topics"], json({"org.weft.dev.git.*"}));
    EXPECT_EQ(made["format"], "cloudevents-binary");
    EXPECT_EQ(made["ordered"], true);
    EXPECT_EQ(made["schedule"], json({"0s", "5s"}));
    EXPECT_EQ(made["disable_after"], "5d");
    EXPECT_EQ(made["owner"], "ci");
    EXPECT_EQ(made["state"], "active");
    const auto& kept = engine_.at(made["id"]).subscription;
    EXPECT_THAT(kept.retry.pauses, ElementsAre(std::chrono::seconds{5}));
    EXPECT_TRUE(kept.retry.gone_disables);
    EXPECT_EQ(kept.kind, "webhook");
    EXPECT_EQ(engine_.starts[made["id"]], std::nullopt);
}

TEST_F(WebhooksOverHttp, TakesEverythingThatABodyMayName) {
    const json made = make({{"where", {{{"path", "branch"}, {"eq", "main"}}}},
                            {"format", "weft"},
                            {"batch", {{"max", 50}, {"timeout", "2s"}}},
                            {"ordered", false},
                            {"concurrency", 4},
                            {"rate", 2.5},
                            {"headers", {{"X-Team", "infra"}}},
                            {"schedule", {"0s", "1s", "1m"}},
                            {"disable_after", nullptr},
                            {"description", "for the deploy"}});
    const auto& kept = engine_.at(made["id"]).subscription;
    EXPECT_EQ(kept.batching.max, 50U);
    EXPECT_EQ(kept.batching.timeout, std::chrono::seconds{2});
    EXPECT_FALSE(kept.ordered);
    EXPECT_EQ(kept.concurrency, 4U);
    EXPECT_DOUBLE_EQ(kept.per_second_max, 2.5);
    EXPECT_EQ(kept.retry.pauses.size(), 2U);
    EXPECT_FALSE(kept.retry.disable_after);
    EXPECT_EQ(made["header_names"], json({"X-Team"}));
    EXPECT_EQ(made["where"][0]["eq"], "main");
    EXPECT_EQ(made["description"], "for the deploy");
}

// K3: secrets are in the answers that are asked for them, and in no other.
TEST_F(WebhooksOverHttp, ShowsSecretsOnlyWhereTheyAreAskedFor) {
    const json made = make({{"headers", {{"Authorization", "Bearer hidden-value"}}}});
    const std::string id = made["id"], at = "/v1/webhooks/" + id;
    const auto keys = Details::parse(engine_.at(id).subscription.details)->keys.at(0);
    engine_.kept_attempts.emplace_back().error = "no answer";

    for (const Response& shown :
         {ask("GET", "/v1/webhooks"), ask("GET", at), ask("GET", at + "/attempts"),
          ask("PATCH", at, R"({"description":"x"})"),
          ask("PUT", at, R"({"url":"https://example.com/","topics":["git.*"]})"),
          ask("POST", at + "/pause"), ask("POST", at + "/resume"), ask("POST", at + "/test"),
          ask("POST", at + "/recover?since=1h"), ask("GET", "/v1/webhooks", "", "root")}) {
        EXPECT_EQ(shown.status, 200U) << shown.body;
        EXPECT_THAT(shown.body, Not(HasSubstr("whsec_")));
        EXPECT_THAT(shown.body, Not(HasSubstr("whsk_")));
        EXPECT_THAT(shown.body, Not(HasSubstr("hidden-value")));
    }

    const Response asked = ask("GET", at + "/secret");
    EXPECT_EQ(parsed(asked)["secret"], keys.secret);
    EXPECT_EQ(parsed(asked)["public_key"], keys.public_key());
    EXPECT_THAT(asked.body, Not(HasSubstr("whsk_")));
    EXPECT_EQ(asked.headers.find("Cache-Control"), "no-store");
}

TEST_F(WebhooksOverHttp, ForOthersAWebhookIsNotThere) {
    const std::string at = "/v1/webhooks/" + made_id();
    for (const auto& [method, target] :
         std::vector<std::pair<std::string, std::string>>{{"GET", ""},
                                                          {"DELETE", ""},
                                                          {"PATCH", ""},
                                                          {"PUT", ""},
                                                          {"GET", "/secret"},
                                                          {"GET", "/attempts"},
                                                          {"POST", "/rotate"},
                                                          {"POST", "/test"},
                                                          {"POST", "/disable"},
                                                          {"POST", "/recover?since=1h"}}) {
        const std::string body =
            method == "PUT" ? R"({"url":"https://e.com/","topics":["git.*"]})" : R"({})";
        EXPECT_EQ(ask(method, at + target, body, "other").status, 404U) << method << target;
    }
    EXPECT_EQ(parsed(ask("GET", "/v1/webhooks", "", "other"))["webhooks"].size(), 0U);
    EXPECT_EQ(parsed(ask("GET", "/v1/webhooks", "", "root"))["webhooks"].size(), 1U);
    EXPECT_EQ(ask("GET", at, "", "root").status, 200U);
    EXPECT_EQ(ask("GET", at, "", "").status, 401U);
}

TEST_F(WebhooksOverHttp, NobodySubscribesToWhatTheyMayNotRead) {
    const std::string body = R"({"url":"https://example.com/","topics":["git.*","payroll.*"]})";
    const Response refused = ask("POST", "/v1/webhooks", body);
    EXPECT_EQ(refused.status, 403U);
    EXPECT_THAT(detail(refused), HasSubstr("payroll"));
    EXPECT_EQ(ask("PATCH", "/v1/webhooks/" + made_id(), R"({"topics":["**"]})").status, 403U);
    EXPECT_EQ(ask("POST", "/v1/webhooks", body, "root").status, 201U);
}

// W2
TEST_F(WebhooksOverHttp, AnAddressThatTheGuardRefusesIsExplained) {
    const Response refused =
        ask("POST", "/v1/webhooks", R"({"url":"https://refused/","topics":["git.*"]})");
    EXPECT_EQ(refused.status, 400U);
    EXPECT_THAT(detail(refused), HasSubstr("allow_networks"));
    EXPECT_EQ(engine_.size(), 0U);
    EXPECT_EQ(ask("PATCH", "/v1/webhooks/" + made_id(), R"({"url":"https://refused/"})").status,
              400U);
}

TEST_F(WebhooksOverHttp, SaysWhatIsWrongWithABody) {
    const std::vector<std::pair<std::string, std::string>> table{
        {"", "JSON"},
        {"[]", "object"},
        {R"({"topics":["git.*"]})", "url"},
        {R"({"url":"https://e.com/"})", "topics"},
        {R"({"url":1,"topics":["git.*"]})", "url"},
        {R"({"url":"https://e.com/","topics":[]})", "topics"},
        {R"({"url":"https://e.com/","topics":["git.["]})", "topics"},
        {R"({"url":"https://e.com/","topics":["git.*"],"colour":1})", "these are"},
        {R"({"url":"https://e.com/","topics":["git.*"],"format":"xml"})", "cloudevents-batch"},
        {R"({"url":"https://e.com/","topics":["git.*"],"batch":{"max":2}})", "one message"},
        {R"({"url":"https://e.com/","topics":["git.*"],"batch":{"max":0}})", "1 to 1000"},
        {R"({"url":"https://e.com/","topics":["git.*"],"batch":{"timeout":"1h"}})", "10m"},
        {R"({"url":"https://e.com/","topics":["git.*"],"concurrency":3})", "ordered"},
        {R"({"url":"https://e.com/","topics":["git.*"],"rate":-1})", "rate"},
        {R"({"url":"https://e.com/","topics":["git.*"],"schedule":[5]})", "schedule"},
        {R"({"url":"https://e.com/","topics":["git.*"],"disable_after":"1s"})", "1m"},
        {R"({"url":"https://e.com/","topics":["git.*"],"start":"yesterday"})", "start"},
        {R"({"url":"https://e.com/","topics":["git.*"],"start":"last-per-topic"})", "start"},
        {R"({"url":"https://e.com/","topics":["git.*"],"secret":"whsec_c2hvcnQ="})", "24 to 64"},
        {R"({"url":"https://e.com/","topics":["git.*"],"where":[{"path":"a"}]})", "where"},
        {R"({"url":"https://e.com/","topics":["git.*"],"rate":1e400})", "JSON"},
    };
    for (const auto& [body, part] : table) {
        const Response refused = ask("POST", "/v1/webhooks", body);
        EXPECT_EQ(refused.status, 400U) << body;
        EXPECT_THAT(detail(refused), HasSubstr(part)) << body;
    }
    EXPECT_EQ(engine_.size(), 0U);
}

// Headers of ours and of the connection cannot be set: nobody forges a signature or a boundary.
TEST_F(WebhooksOverHttp, RefusesHeadersThatAreNotTheOwners) {
    for (const char* name :
         {"webhook-signature", "Webhook-Id", "ce-type", "Content-Length", "Host", "Connection",
          "Transfer-Encoding", "Proxy-Authorization", "Upgrade", "TE", "bad name", "", "a:b"}) {
        const json body{
            {"url", "https://e.com/"}, {"topics", {"git.*"}}, {"headers", {{name, "x"}}}};
        EXPECT_EQ(ask("POST", "/v1/webhooks", body.dump()).status, 400U) << name;
    }
    const json injected{
        {"url", "https://e.com/"}, {"topics", {"git.*"}}, {"headers", {{"X-A", "1\r\nX-B: 2"}}}};
    EXPECT_EQ(ask("POST", "/v1/webhooks", injected.dump()).status, 400U);
}

TEST_F(WebhooksOverHttp, BeginsWhereItIsAskedTo) {
    for (int i = 0; i < 4; ++i) bridge_.store({"org.weft.dev.git.commit", "{}"});
    EXPECT_EQ(engine_.starts[make({{"start", "beginning"}})["id"]], 0U);
    EXPECT_EQ(engine_.starts[make({{"start", "last:1"}})["id"]], 3U);
    EXPECT_EQ(engine_.starts[make({{"start", 2}})["id"]], 2U);
    EXPECT_EQ(engine_.starts[make({{"start", "since:10m"}})["id"]], 0U);
    room_.full = true;
    const json body{{"url", "https://e.com/"}, {"topics", {"git.*"}}, {"start", "beginning"}};
    EXPECT_EQ(ask("POST", "/v1/webhooks", body.dump()).status, 503U);
}

TEST_F(WebhooksOverHttp, PatchChangesWhatItNamesAndKeepsTheRest) {
    const json made = make({{"description", "one"}, {"headers", {{"X-A", "1"}}}});
    const std::string id = made["id"];
    const auto keys = Details::parse(engine_.at(id).subscription.details)->keys;
    const json changed = parsed(ask("PATCH", "/v1/webhooks/" + id, R"({"description":"two"})"));
    EXPECT_EQ(changed["description"], "two");
    EXPECT_EQ(changed["header_names"], json({"X-A"}));
    EXPECT_EQ(changed["url"], made["url"]);
    EXPECT_EQ(Details::parse(engine_.at(id).subscription.details)->keys[0].secret, keys[0].secret);
}

TEST_F(WebhooksOverHttp, PutReplacesEverythingButTheSecretAndTheState) {
    const json made = make({{"description", "one"}});
    const std::string id = made["id"], at = "/v1/webhooks/" + id;
    ask("POST", at + "/pause");
    const json put =
        parsed(ask("PUT", at, R"({"url":"https://example.org/","topics":["git.push"]})"));
    EXPECT_EQ(put["description"], "");
    EXPECT_EQ(put["url"], "https://example.org/");
    EXPECT_EQ(put["state"], "paused");
    EXPECT_EQ(put["created"], made["created"]);
    EXPECT_EQ(parsed(ask("GET", at + "/secret"))["secret"], made["secret"]);
    EXPECT_EQ(ask("PUT", at, R"({"url":"https://example.org/"})").status, 400U);
}

TEST_F(WebhooksOverHttp, PutMakesOneOfANameThatIsFree) {
    const Response made =
        ask("PUT", "/v1/webhooks/deploy", R"({"url":"https://e.com/","topics":["git.*"]})");
    EXPECT_EQ(made.status, 201U);
    EXPECT_EQ(parsed(made)["id"], "deploy");
}

TEST_F(WebhooksOverHttp, TheSecretOfOneThatIsThereIsChangedByRotatingAlone) {
    const std::string at = "/v1/webhooks/" + made_id();
    const Response refused =
        ask("PATCH", at, R"({"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})");
    EXPECT_EQ(refused.status, 400U);
    EXPECT_THAT(detail(refused), HasSubstr("rotate"));
    EXPECT_EQ(ask("PATCH", at, R"({"start":"beginning"})").status, 400U);
}

// What was stored while a topic was wanted is delivered, what comes later is not.
TEST_F(WebhooksOverHttp, TopicsThatComeAndGoCountFromAndUpToTheHead) {
    const std::string id = made_id();
    for (int i = 0; i < 5; ++i) bridge_.store({"org.weft.dev.git.commit", "{}"});
    engine_.at(id).position = 2;

    const json changed = parsed(ask("PATCH", "/v1/webhooks/" + id, R"({"topics":["git.push"]})"));

    EXPECT_EQ(changed["topics"], json({"org.weft.dev.git.push"}));
    const auto& interests = engine_.at(id).subscription.interests;
    ASSERT_EQ(interests.size(), 2U);
    EXPECT_EQ(interests[0].through, 5U);
    EXPECT_EQ(interests[1].after, 5U);
    engine_.at(id).position = 5;
    ask("PATCH", "/v1/webhooks/" + id, R"({"topics":["git.push"]})");
    EXPECT_EQ(engine_.at(id).subscription.interests.size(), 1U);
}

TEST_F(WebhooksOverHttp, RotatesWithAnOverlapInWhichBothSign) {
    const json made = make();
    const std::string at = "/v1/webhooks/" + made["id"].get<std::string>();
    const json rotated = parsed(ask("POST", at + "/rotate", R"({"overlap":"1h"})"));
    EXPECT_NE(rotated["secret"], made["secret"]);
    ASSERT_EQ(rotated["previous"].size(), 1U);
    EXPECT_EQ(rotated["previous"][0]["secret"], made["secret"]);
    EXPECT_EQ(rotated["previous"][0]["until"], "2027-01-15T09:00:00.000000Z");
    EXPECT_EQ(parsed(ask("GET", at))["public_keys"].size(), 2U);
    clock_.advance(std::chrono::hours{1});
    EXPECT_EQ(parsed(ask("GET", at + "/secret"))["previous"].size(), 0U);
    const json own = parsed(ask("POST", at + "/rotate",
                                R"({"overlap":"0s",
                                    "secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})"));
    EXPECT_EQ(own["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    EXPECT_THAT(own["previous"], IsEmpty());
    EXPECT_EQ(ask("POST", at + "/rotate", R"({"overlap":"1y"})").status, 400U);
    EXPECT_EQ(ask("POST", at + "/rotate", R"({"secret":"x"})").status, 400U);
}

TEST_F(WebhooksOverHttp, OneChangeAtATime) {
    const std::string at = "/v1/webhooks/" + made_id();
    engine_.hold_puts();
    const auto first = begin("PATCH", at, R"({"description":"x"})", "ci");
    EXPECT_EQ(ask("POST", at + "/rotate").status, 409U);
    engine_.let_go();
    EXPECT_EQ(first->wait()->status, 503U);
    EXPECT_EQ(ask("POST", at + "/rotate").status, 200U);
}

TEST_F(WebhooksOverHttp, ResendsAMessageByEitherOfItsIds) {
    const std::string id = made_id(), at = "/v1/webhooks/" + id;
    const auto message = bridge_.store({"org.weft.dev.git.commit", "{}"});
    std::string uuid;
    ReadRequest read;
    support::Answer<BridgeResult<EventPage>> page;
    bridge_.read(read, [&](BridgeResult<EventPage> got) { page.give(std::move(got)); });
    uuid = (*page.take())->events.at(0).message.id().text();
    engine_.attempt.status = 200;
    engine_.attempt.succeeded = true;

    const Response by_number =
        ask("POST", at + "/resend", R"({"id":)" + std::to_string(message) + "}");
    const Response by_uuid = ask("POST", at + "/resend", R"({"id":")" + uuid + R"("})");

    EXPECT_EQ(parsed(by_number)["status"], 200);
    EXPECT_EQ(parsed(by_uuid)["succeeded"], true);
    EXPECT_THAT(engine_.asked, ElementsAre("resend " + id + " 1", "resend " + id + " 1"));
}

// Else a webhook would read what its owner may not.
TEST_F(WebhooksOverHttp, ResendsNothingThatTheWebhookIsNotAbout) {
    const std::string at = "/v1/webhooks/" + made_id();
    bridge_.store({"org.weft.dev.payroll.paid", "{}"});
    EXPECT_EQ(ask("POST", at + "/resend", R"({"id":1})").status, 404U);
    EXPECT_EQ(ask("POST", at + "/resend", R"({"id":99})").status, 404U);
    EXPECT_EQ(ask("POST", at + "/resend", R"({"id":0})").status, 400U);
    EXPECT_EQ(ask("POST", at + "/resend", R"({"id":"x"})").status, 400U);
    EXPECT_EQ(ask("POST", at + "/resend", "").status, 400U);
    EXPECT_THAT(engine_.asked, IsEmpty());
}

TEST_F(WebhooksOverHttp, RecoversFromASpanOrATime) {
    const std::string id = made_id(), at = "/v1/webhooks/" + id;
    ask("POST", at + "/recover?since=1h");
    ask("POST", at + "/recover", R"({"since":"2027-01-15T07:59:59.5Z"})");
    EXPECT_THAT(engine_.asked, ElementsAre("recover " + id + " 1799996400000000",
                                           "recover " + id + " 1799999999500000"));
    for (const char* wrong : {"", "?since=", "?since=yesterday", "?since=2027-02-30T00:00:00Z",
                              "?since=2027-01-15T24:00:00Z"}) {
        EXPECT_EQ(ask("POST", at + "/recover" + wrong).status, 400U) << wrong;
    }
}

TEST_F(WebhooksOverHttp, SendsATestAndTellsHowItWent) {
    const std::string id = made_id();
    engine_.attempt.status = 500;
    const Response tested = ask("POST", "/v1/webhooks/" + id + "/test");
    EXPECT_EQ(tested.status, 200U);
    EXPECT_EQ(parsed(tested)["status"], 500);
    EXPECT_EQ(parsed(tested)["succeeded"], false);
    EXPECT_THAT(engine_.asked, ElementsAre("send " + id + R"( org.weft.dev.webhooks.test )" +
                                           R"({"test":true,"webhook":")" + id + R"("})"));
}

TEST_F(WebhooksOverHttp, IsPausedResumedDisabledAndEnabled) {
    const std::string at = "/v1/webhooks/" + made_id();
    EXPECT_EQ(parsed(ask("POST", at + "/pause"))["state"], "paused");
    EXPECT_EQ(parsed(ask("POST", at + "/resume"))["state"], "active");
    const json disabled = parsed(ask("POST", at + "/disable"));
    EXPECT_EQ(disabled["state"], "disabled");
    EXPECT_EQ(disabled["reason"], "disabled by ci");
    EXPECT_EQ(parsed(ask("POST", at + "/enable"))["state"], "active");
    EXPECT_EQ(parsed(ask("GET", at))["reason"], "");
}

TEST_F(WebhooksOverHttp, IsGoneOnceDeleted) {
    const std::string at = "/v1/webhooks/" + made_id();
    EXPECT_EQ(ask("DELETE", at).status, 204U);
    EXPECT_EQ(ask("DELETE", at).status, 404U);
    EXPECT_EQ(ask("GET", at).status, 404U);
}

TEST_F(WebhooksOverHttp, ShowsAttemptsUpToTheLimit) {
    const std::string at = "/v1/webhooks/" + made_id() + "/attempts";
    for (std::uint64_t i = 3; i > 0; --i) {
        engine_.kept_attempts.emplace_back().number = i;
    }
    EXPECT_EQ(parsed(ask("GET", at))["attempts"].size(), 3U);
    const json two = parsed(ask("GET", at + "?limit=2"))["attempts"];
    ASSERT_EQ(two.size(), 2U);
    EXPECT_EQ(two[0]["number"], 3);
    EXPECT_EQ(ask("GET", at + "?limit=0").status, 400U);
}

TEST_F(WebhooksOverHttp, SubscriptionsOfAnotherKindAreNotSeen) {
    const std::string id = made_id();
    engine_.at(id).subscription.kind = "routemaster";
    EXPECT_EQ(ask("GET", "/v1/webhooks/" + id, "", "root").status, 404U);
    EXPECT_EQ(
        ask("PUT", "/v1/webhooks/" + id, R"({"url":"https://e.com/","topics":["git.*"]})", "root")
            .status,
        404U);
}

TEST_F(WebhooksOverHttp, ErrorsOfTheEngineBecomeStatuses) {
    using Kind = delivery::EngineError::Kind;
    const std::string body = R"({"url":"https://e.com/","topics":["git.*"]})";
    for (const auto& [kind, status] :
         std::vector<std::pair<Kind, unsigned>>{{Kind::invalid, 400},
                                                {Kind::full, 429},
                                                {Kind::journal_away, 503},
                                                {Kind::stopped, 503}}) {
        engine_.fail_puts(delivery::EngineError{kind, "so it is"});
        EXPECT_EQ(ask("POST", "/v1/webhooks", body).status, status);
    }
}

TEST_F(WebhooksOverHttp, OneTokenHasABoundedNumberOfThem) {
    for (std::size_t i = 0; i < WebhookHandler::of_one_token; ++i) make();
    const Response refused =
        ask("POST", "/v1/webhooks", R"({"url":"https://e.com/","topics":["git.*"]})");
    EXPECT_EQ(refused.status, 429U);
    EXPECT_EQ(ask("POST", "/v1/webhooks", R"({"url":"https://e.com/","topics":["git.*"]})", "other")
                  .status,
              201U);
}

TEST_F(WebhooksOverHttp, SaysWhichMethodsAndRoutesThereAre) {
    EXPECT_EQ(ask("DELETE", "/v1/webhooks").status, 405U);
    EXPECT_EQ(ask("POST", "/v1/webhooks/x").status, 405U);
    EXPECT_EQ(ask("POST", "/v1/webhooks/x/attempts").status, 405U);
    EXPECT_EQ(ask("GET", "/v1/webhooks/x/test").status, 405U);
    EXPECT_EQ(ask("GET", "/v1/webhooks/x/nothing").status, 404U);
    EXPECT_EQ(ask("GET", "/v1/webhooks/x/secret/y").status, 404U);
    EXPECT_EQ(ask("GET", "/v1/webhooks/a%2Fb").status, 404U);
}

}  // namespace
}  // namespace weft::gateway::webhooks
