// weft's own API, over a journal in memory.

#include "gateway/native/native_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "gateway/auth/authenticator.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using support::FakeBridge;
using support::FakeStream;
using support::StreamingExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class OneToken final : public Authenticator {
public:
    std::optional<Principal> find(std::string_view token) override {
        const std::scoped_lock lock(mutex_);
        if (token != "good" || read_.empty()) return std::nullopt;
        Principal principal;
        principal.name = "ci";
        principal.publish = {*signing::TopicGlob::parse("org.weft.dev.build.*")};
        principal.read = {*signing::TopicGlob::parse(read_)};
        return principal;
    }
    /// "": there is no such token any more.
    void grant(const std::string& read) {
        const std::scoped_lock lock(mutex_);
        read_ = read;
    }

private:
    std::mutex mutex_;
    std::string read_ = "org.weft.dev.git.**";
};

class Native : public ::testing::Test {
protected:
    Native() { begin(false); }
    ~Native() override { handler_->stop(); }

    void begin(bool required) {
        access_ = std::make_unique<Access>(tokens_, required, clock_);
        handler_ = std::make_unique<NativeHandler>(NativeHandler::Parts{
            bridge_, *access_, timers_, clock_, {"org.weft", "dev"}, {}, "gateway.host1", "0.1.0"});
    }

    struct Sent {
        std::string body{}, type{"application/json"}, token{};
        std::vector<std::pair<std::string, std::string>> headers{};
    };
    std::shared_ptr<StreamingExchange> send(const std::string& method, const std::string& target,
                                            const Sent& sent) {
        Request request;
        request.method = method;
        request.target = target;
        request.body = sent.body;
        request.id = "r1";
        request.peer = "127.0.0.1:4711";
        if (!sent.type.empty()) request.headers.add("Content-Type", sent.type);
        if (!sent.token.empty()) request.headers.add("Authorization", "Bearer " + sent.token);
        for (const auto& [name, value] : sent.headers) request.headers.add(name, value);
        auto exchange = std::make_shared<StreamingExchange>(std::move(request), reads_nothing_);
        handler_->handle(exchange);
        return exchange;
    }
    std::shared_ptr<StreamingExchange> send(const std::string& method, const std::string& target) {
        return send(method, target, Sent{});
    }
    Response answer(const std::string& method, const std::string& target, const Sent& sent) {
        auto response = send(method, target, sent)->wait();
        if (!response) throw std::runtime_error("no answer to " + method + " " + target);
        return *response;
    }
    Response answer(const std::string& method, const std::string& target) {
        return answer(method, target, Sent{});
    }
    Response post(const std::string& target, const std::string& body) {
        Sent sent;
        sent.body = body;
        return answer("POST", target, sent);
    }
    void store(const std::string& topic, const std::string& body) {
        bridge_.store({"org.weft.dev." + topic, body});
    }
    static std::vector<int> ids(const json& events) {
        std::vector<int> ids;
        for (const auto& event : events) ids.push_back(event["journal_id"]);
        return ids;
    }
    static std::vector<int> streamed_ids(const std::string& text) {
        std::vector<int> ids;
        for (std::size_t at = 0; (at = text.find("\nid: ", at)) != std::string::npos; ++at) {
            ids.push_back(std::stoi(text.substr(at + 5)));
        }
        return ids;
    }

    support::WallClock clock_;
    FakeBridge bridge_{clock_};
    support::ThreadTimers timers_;
    OneToken tokens_;
    std::unique_ptr<Access> access_;
    std::unique_ptr<NativeHandler> handler_;
    bool reads_nothing_ = false;  // who streams from now on
};

TEST_F(Native, PublishesABodyAndReadsItBack) {
    const Response published = post("/v1/topics/git.commit", R"({"hash": "2f1c"})");
    EXPECT_EQ(published.status, 202U);
    const json id = json::parse(published.body)["id"];
    const json read = json::parse(answer("GET", "/v1/events?topic=git.*").body);
    ASSERT_EQ(read["events"].size(), 1U);
    EXPECT_EQ(read["events"][0]["id"], id);
    EXPECT_EQ(read["events"][0]["topic"], "org.weft.dev.git.commit");
    EXPECT_EQ(read["events"][0]["body"]["hash"], "2f1c");
    EXPECT_EQ(read["events"][0]["headers"]["via"], "http:anonymous");
}

TEST_F(Native, ADurablePublishSaysItsPlaceInTheJournal) {
    const Response published = post("/v1/topics/git.commit?durable=true", "{}");
    EXPECT_EQ(published.status, 201U);
    EXPECT_EQ(json::parse(published.body)["journal_id"], 1);
}

TEST_F(Native, KeepsBytesAndContentTypesThatAreNotJson) {
    Sent sent;
    sent.body = std::string("\xff\x00\x01", 3);
    sent.type = "image/png";
    sent.headers = {{"Weft-Header-Shot", "7"}};
    EXPECT_EQ(answer("POST", "/v1/topics/cam.front", sent).status, 202U);
    const json event = json::parse(answer("GET", "/v1/events").body)["events"][0];
    EXPECT_EQ(event["content_type"], "image/png");
    EXPECT_EQ(event["body"]["base64"], "/wAB");
    EXPECT_EQ(event["headers"]["shot"], "7");
}

TEST_F(Native, WhatIsWrongIsNamedAndNothingIsPublished) {
    struct Wrong {
        const char *target, *body, *says;
    };
    for (const Wrong& wrong : {
             Wrong{"/v1/topics/git.commit", "{", "not JSON"},
             Wrong{"/v1/topics/git.commit", "{\"a\": \"\xff\"}", "not JSON"},
             Wrong{"/v1/topics/git..commit", "{}", "git..commit"},
             Wrong{"/v1/topics/git.commit?durable=maybe", "{}", "durable: true or false"},
             Wrong{"/v1/topics/git.commit?parent=7", "{}", "parent: '7'"},
             Wrong{"/v1/topics/git.commit?recipients=a,,b", "{}", "recipients"},
             Wrong{"/v1/topics/git.commit?level=stored", "{}", "recipients"},
             Wrong{"/v1/topics/git.commit?recipients=a&level=soon", "{}", "level: received"},
             Wrong{"/v1/topics/git.commit?recipients=a&ack_timeout=0s", "{}", "more than 0s"},
             Wrong{"/v1/topics/git.commit?recipients=a&durable=true", "{}", "one of them"},
             Wrong{"/v1/topics/%zz", "{}", "%zz"},
             Wrong{"/v1/events", "[]", "nothing to publish"},
             Wrong{"/v1/events", "no", "not JSON"},
         }) {
        const Response refused = post(wrong.target, wrong.body);
        EXPECT_EQ(refused.status, 400U) << wrong.target << wrong.body << refused.body;
        EXPECT_EQ(refused.headers.find("Content-Type"), "application/problem+json");
        EXPECT_THAT(json::parse(refused.body)["detail"].get<std::string>(), HasSubstr(wrong.says));
    }
    EXPECT_EQ(bridge_.published(), 0U);
}

TEST_F(Native, AKeyThatWasHereBeforeGetsTheSameAnswerAndPublishesNothing) {
    Sent sent;
    sent.body = "{}";
    sent.headers = {{"Idempotency-Key", "k1"}};
    const Response first = answer("POST", "/v1/topics/a?durable=true", sent);
    const Response again = answer("POST", "/v1/topics/a?durable=true", sent);
    EXPECT_EQ(first.status, 201U);
    EXPECT_EQ(again.status, 201U);
    EXPECT_EQ(first.body, again.body);
    EXPECT_EQ(again.headers.find("Idempotency-Replayed"), "true");
    EXPECT_EQ(bridge_.published(), 1U);
    sent.body = "{\"other\": 1}";
    EXPECT_EQ(answer("POST", "/v1/topics/a?durable=true", sent).status, 422U);
    sent.headers = {{"Idempotency-Key", std::string(256, 'k')}};
    EXPECT_EQ(answer("POST", "/v1/topics/a", sent).status, 400U);
}

TEST_F(Native, WhatFailedMayBeTriedAgainUnderItsKey) {
    Sent sent;
    sent.body = "{}";
    sent.headers = {{"Idempotency-Key", "k1"}};
    bridge_.fail_publish(BridgeError{BridgeError::Kind::busy, "too much at a time", {}, {}});
    EXPECT_EQ(answer("POST", "/v1/topics/a", sent).status, 503U);
    bridge_.fail_publish({});
    EXPECT_EQ(answer("POST", "/v1/topics/a", sent).status, 202U);
}

TEST_F(Native, ABatchHasAVerdictForEach) {
    const Response all = post("/v1/events?durable=true",
                              R"([{"topic": "a.b", "body": {"n": 1}},
                                  {"topic": "a..b", "body": {}},
                                  {"topic": "a.c", "body": "text", "content_type": "text/plain",
                                   "headers": {"x": "1"}}])");
    EXPECT_EQ(all.status, 207U);
    const json results = json::parse(all.body)["results"];
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0]["journal_id"], 1);
    EXPECT_EQ(results[1]["status"], 400);
    EXPECT_EQ(results[2]["journal_id"], 2);
    EXPECT_EQ(post("/v1/events", R"([{"topic": "a.b", "body": 1}])").status, 200U);
}

TEST_F(Native, UnderstandsCloudEventsInTheirThreeModes) {
    const std::string event =
        R"({"specversion": "1.0", "id": "e1", "source": "/ci", "type": "build.done",
            "data": {"ok": true}, "partition": "p"})";
    Sent structured;
    structured.type = "application/cloudevents+json";
    structured.body = event;
    EXPECT_EQ(answer("POST", "/v1/events", structured).status, 200U);
    Sent batch;
    batch.type = "application/cloudevents-batch+json";
    batch.body = "[" + event + ", {\"specversion\": \"1.0\"}]";
    EXPECT_EQ(answer("POST", "/v1/events", batch).status, 207U);
    Sent binary;
    binary.body = R"({"ok": true})";
    binary.headers = {{"ce-id", "e1"}, {"CE-Source", "/ci"}};
    EXPECT_EQ(answer("POST", "/v1/topics/build.done", binary).status, 202U);

    const json events = json::parse(answer("GET", "/v1/events").body)["events"];
    ASSERT_EQ(events.size(), 3U);
    for (const json& one : events) {
        EXPECT_EQ(one["topic"], "org.weft.dev.build.done");
        EXPECT_EQ(one["body"]["ok"], true);
        EXPECT_EQ(one["headers"]["ce-source"], "/ci");
    }
    EXPECT_EQ(events[0]["headers"]["ce-partition"], "p");
}

TEST_F(Native, ReadsPageByPageFromWhereItIsTold) {
    for (int i = 1; i <= 7; ++i) store("git.commit", "[" + std::to_string(i) + "]");
    store("other", "{}");
    const json first = json::parse(answer("GET", "/v1/events?topic=git.*&limit=3").body);
    EXPECT_EQ(ids(first["events"]), (std::vector<int>{1, 2, 3}));
    const std::string next = first["next"];
    const json second =
        json::parse(answer("GET", "/v1/events?topic=git.*&limit=9&after=" + next).body);
    EXPECT_EQ(ids(second["events"]), (std::vector<int>{4, 5, 6, 7}));
    const json last = json::parse(answer("GET", "/v1/events?after=last:2").body);
    EXPECT_EQ(ids(last["events"]), (std::vector<int>{7, 8}));
    const json rest = json::parse(answer("GET", "/v1/events?after=now").body);
    EXPECT_TRUE(rest["events"].empty());
    EXPECT_EQ(json::parse(answer("GET", "/v1/events?after=5").body)["events"].size(), 3U);
}

TEST_F(Native, AReaderIsToldWhatWasTrimmed) {
    for (int i = 0; i < 5; ++i) store("a", "{}");
    ASSERT_TRUE(bridge_.memory().trim(4));
    const json read = json::parse(answer("GET", "/v1/events?after=1").body);
    EXPECT_EQ(read["gap"]["from"], 2);
    EXPECT_EQ(read["gap"]["to"], 3);
    EXPECT_EQ(ids(read["events"]), (std::vector<int>{4, 5}));
}

TEST_F(Native, ALongPollIsAnsweredWhenSomethingComes) {
    const auto waiting = send("GET", "/v1/events?topic=git.*&after=now&wait=20s");
    store("other", "{}");
    EXPECT_FALSE(waiting->wait(50ms));
    store("git.commit", "{}");
    const auto got = waiting->wait();
    ASSERT_TRUE(got);
    EXPECT_EQ(ids(json::parse(got->body)["events"]), (std::vector<int>{2}));
}

TEST_F(Native, ALongPollThatSeesNothingEndsEmpty) {
    const Response none = answer("GET", "/v1/events?wait=30ms");
    EXPECT_EQ(none.status, 200U);
    EXPECT_TRUE(json::parse(none.body)["events"].empty());
}

TEST_F(Native, ReadsOneMessage) {
    store("a", "{\"n\": 7}");
    EXPECT_EQ(json::parse(answer("GET", "/v1/events/1").body)["body"]["n"], 7);
    EXPECT_EQ(answer("GET", "/v1/events/2").status, 404U);
    EXPECT_EQ(answer("GET", "/v1/events/zero").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/events/0").status, 400U);
}

TEST_F(Native, AStreamIsOneSequenceOfHistoryAndLive) {
    for (int i = 0; i < 3; ++i) store("git.commit", "{}");
    const auto exchange = send("GET", "/v1/stream?topic=git.*&after=beginning");
    const auto stream = exchange->streamed();
    ASSERT_TRUE(stream);
    EXPECT_EQ(exchange->head().headers.find("Content-Type"), "text/event-stream");
    stream->wait_for("id: 3\n");
    for (int i = 0; i < 100; ++i) store(i % 2 == 0 ? "git.commit" : "other", "{}");
    const std::string text = "\n" + stream->wait_for("id: 102\n");
    std::vector<int> wanted{1, 2, 3};
    for (int id = 4; id <= 102; id += 2) wanted.push_back(id);
    EXPECT_EQ(streamed_ids(text), wanted);
}

TEST_F(Native, AStreamGoesOnBehindTheLastEventThatItsReaderSaw) {
    for (int i = 0; i < 5; ++i) store("a", "{}");
    Sent sent;
    sent.headers = {{"Last-Event-ID", "3"}};
    const auto stream = send("GET", "/v1/stream?after=beginning", sent)->streamed();
    ASSERT_TRUE(stream);
    EXPECT_EQ(streamed_ids("\n" + stream->wait_for("id: 5\n")), (std::vector<int>{4, 5}));
}

TEST_F(Native, ManyReadersShareOneReadOfWhatIsLive) {
    std::vector<std::shared_ptr<FakeStream>> streams;
    for (int i = 0; i < 50; ++i) streams.push_back(send("GET", "/v1/stream?topic=a")->streamed());
    store("a", "{\"n\": 1}");
    for (const auto& stream : streams) EXPECT_THAT(stream->wait_for("id: 1\n"), HasSubstr("id: 1"));
    const std::uint64_t before = bridge_.reads;
    for (int i = 2; i <= 20; ++i) {
        store("a", "{}");
        for (const auto& stream : streams) {
            stream->wait_for("id: " + std::to_string(i) + "\n");
        }
    }
    EXPECT_LE(bridge_.reads - before, 60U) << "not one each for fifty readers";
    for (const auto& stream : streams) {
        std::vector<int> wanted;
        for (int i = 1; i <= 20; ++i) wanted.push_back(i);
        EXPECT_EQ(streamed_ids("\n" + stream->text()), wanted);
    }
}

TEST_F(Native, ReadersThatJoinUnderLoadMissAndRepeatNothing) {
    std::atomic<bool> over = false;
    std::thread load([&] {
        for (int i = 0; i < 2000; ++i) store("a", "{}");
        over = true;
    });
    std::vector<std::shared_ptr<FakeStream>> streams;
    while (!over) {
        streams.push_back(send("GET", "/v1/stream?after=beginning")->streamed());
        std::this_thread::yield();
        if (streams.size() > 60) break;
    }
    load.join();
    std::vector<int> wanted;
    for (int i = 1; i <= 2000; ++i) wanted.push_back(i);
    for (const auto& stream : streams) {
        EXPECT_EQ(streamed_ids("\n" + stream->wait_for("id: 2000\n")), wanted);
    }
}

TEST_F(Native, AReaderOfHistoryThatDoesNotReadIsNotFedOn) {
    for (int i = 0; i < 600; ++i) store("a", "\"" + std::string(2000, 'x') + "\"");
    reads_nothing_ = true;
    const auto slow = send("GET", "/v1/stream?after=beginning")->streamed();
    reads_nothing_ = false;
    const auto quick = send("GET", "/v1/stream?after=beginning")->streamed();
    slow->wait_for("id: 50\n");
    EXPECT_THAT(quick->wait_for("id: 600\n"), HasSubstr("id: 600\n"));
    EXPECT_THAT(slow->text(), Not(HasSubstr("id: 150\n")));
    EXPECT_LE(slow->queued(), 256U * 1024);
    slow->read_all();
    std::vector<int> wanted;
    for (int i = 1; i <= 600; ++i) wanted.push_back(i);
    EXPECT_EQ(streamed_ids("\n" + slow->wait_for("id: 600\n")), wanted);
}

TEST_F(Native, StreamsGetALastWordWhenTheGatewayStops) {
    const auto stream = send("GET", "/v1/stream?topic=a")->streamed();
    store("a", "{}");
    stream->wait_for("id: 1\n");
    // It has joined those at the head once it got something live.
    store("a", "{}");
    stream->wait_for("id: 2\n");
    handler_->stop();
    EXPECT_THAT(stream->wait_for("event: end"), HasSubstr("event: end"));
    EXPECT_TRUE(stream->closed());
}

TEST_F(Native, ALongPollIsAnsweredAtOnceWhenTheGatewayStops) {
    const auto first = send("GET", "/v1/events?wait=60s");
    const auto other = send("GET", "/v1/events?topic=git.*&after=now&wait=60s");
    EXPECT_FALSE(other->wait(50ms));
    handler_->stop();
    for (const auto& waits : {first, other}) {
        const auto answered = waits->wait(1s);
        ASSERT_TRUE(answered);
        EXPECT_EQ(answered->status, 200U);
        EXPECT_TRUE(json::parse(answered->body)["events"].empty());
    }
    const auto late = answer("GET", "/v1/events?wait=60s");
    EXPECT_TRUE(json::parse(late.body)["events"].empty());
    EXPECT_EQ(bridge_.waiters(), 0U);
}

TEST_F(Native, AStreamEndsOnceItsTokenIsGoneOrHasOtherGrants) {
    begin(true);
    Sent good;
    good.token = "good";
    store("git.commit", "{}");
    const auto first = send("GET", "/v1/stream?after=beginning", good)->streamed();
    first->wait_for("id: 1\n");
    handler_->review();
    EXPECT_FALSE(first->closed());
    tokens_.grant("org.weft.dev.build.*");
    handler_->review();
    EXPECT_THAT(first->wait_for("event: end"), HasSubstr("revoked, or has other grants"));
    EXPECT_TRUE(first->closed());
    const auto second = send("GET", "/v1/stream", good)->streamed();
    tokens_.grant("");
    handler_->review();
    EXPECT_TRUE(second->closed());
    EXPECT_EQ(answer("GET", "/v1/stream", good).status, 401U);
}

TEST_F(Native, ATokenThatWasMadeAnewUnderItsNameReadsByItsOwnGrants) {
    begin(true);
    Sent good;
    good.token = "good";
    const auto old = send("GET", "/v1/stream", good)->streamed();
    store("git.commit", "{}");
    old->wait_for("id: 1\n");
    tokens_.grant("org.weft.dev.build.*");
    const auto fresh = send("GET", "/v1/stream", good)->streamed();
    store("git.commit", "{}");
    store("build.done", "{}");
    EXPECT_THAT(fresh->wait_for("id: 3\n"), HasSubstr("id: 3\n"));
    EXPECT_THAT(fresh->text(), Not(HasSubstr("git.commit")));
    old->wait_for("id: 2\n");
    EXPECT_THAT(old->text(), Not(HasSubstr("build.done")));
}

TEST_F(Native, LinesOfJsonAreAnotherFormOfAStream) {
    store("a", "{}");
    const auto exchange = send("GET", "/v1/stream?format=ndjson&after=beginning");
    EXPECT_EQ(exchange->head().headers.find("Content-Type"), "application/x-ndjson");
    const std::string text = exchange->streamed()->wait_for("\n");
    EXPECT_EQ(json::parse(text.substr(0, text.find('\n')))["journal_id"], 1);
}

TEST_F(Native, ATokenMayDoWhatItWasGrantedAndNothingElse) {
    begin(true);
    EXPECT_EQ(post("/v1/topics/build.done", "{}").status, 401U);
    Sent good;
    good.token = "good";
    good.body = "{}";
    EXPECT_EQ(answer("POST", "/v1/topics/build.done", good).status, 202U);
    const Response refused = answer("POST", "/v1/topics/git.commit", good);
    EXPECT_EQ(refused.status, 403U);
    EXPECT_THAT(refused.body, HasSubstr("git.commit"));
    store("git.commit", "{}");
    const json seen = json::parse(answer("GET", "/v1/events", good).body);
    EXPECT_EQ(ids(seen["events"]), (std::vector<int>{2})) << "its own build.done it may not read";
    EXPECT_EQ(answer("GET", "/v1/events/1", good).status, 404U);
    EXPECT_EQ(answer("GET", "/v1/events/2", good).status, 200U);
    const auto stream = send("GET", "/v1/stream?after=beginning", good)->streamed();
    ASSERT_TRUE(stream);
    EXPECT_THAT(stream->wait_for("id: 2\n"), Not(HasSubstr("id: 1\n")));
}

// H2
TEST_F(Native, WhoTriesManyTokensIsToldToWait) {
    Sent wrong;
    wrong.token = "wrong";
    unsigned last = 0;
    for (unsigned i = 0; i <= Access::failures_max; ++i) {
        last = answer("GET", "/v1/events", wrong).status;
    }
    EXPECT_EQ(last, 429U);
}

TEST_F(Native, AJournalThatIsAwayIsSaidWithWhenToComeBack) {
    bridge_.fail_read(BridgeError{BridgeError::Kind::journal_away, "the journal is away", {}, {}});
    bridge_.fail_publish(BridgeError{BridgeError::Kind::disk_full, "the disk is full", {}, {}});
    bridge_.set_not_ready("the journal is away");
    const Response read = answer("GET", "/v1/events");
    EXPECT_EQ(read.status, 503U);
    EXPECT_TRUE(read.headers.find("Retry-After"));
    EXPECT_EQ(post("/v1/topics/a?durable=true", "{}").status, 507U);
    EXPECT_EQ(answer("GET", "/v1/stream").status, 503U);
    EXPECT_EQ(json::parse(answer("GET", "/v1/info").body)["ready"], false);
}

TEST_F(Native, OtherMethodsAndPathsAreSaidToBeWrong) {
    EXPECT_EQ(answer("DELETE", "/v1/events").status, 405U);
    EXPECT_TRUE(answer("DELETE", "/v1/events").headers.find("Allow"));
    EXPECT_EQ(answer("GET", "/v1/topics/a").status, 405U);
    EXPECT_EQ(answer("GET", "/v2/events").status, 404U);
    EXPECT_EQ(answer("GET", "/v1/events?limit=0").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/events?limit=1001").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/events?after=then").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/events?topic=a.**b").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/events?wait=2h").status, 400U);
    EXPECT_EQ(answer("GET", "/v1/stream?format=xml").status, 400U);
}

}  // namespace
}  // namespace weft::gateway::native
