// Events as Server-Sent Events: the question of a poll, answered for as long as somebody listens.

#include <atomic>
#include <thread>

#include "gateway/rse/event_stream.hpp"
#include "tests/support/streaming_exchange.hpp"
#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RseStream : public RseWorld {
protected:
    RseStream() { timers = &timers_; }
    ~RseStream() override { timers_.stop(); }

    static Request stream_request(std::string target, HeaderList more = {}) {
        more.emplace_back("User-Agent", agent);
        more.emplace_back("Accept", "text/html, text/event-stream;q=0.9");
        return request("GET", std::move(target), {}, std::move(more));
    }
    std::shared_ptr<support::StreamingExchange> open(Request made, bool reads_nothing = false) {
        auto exchange =
            std::make_shared<support::StreamingExchange>(std::move(made), reads_nothing);
        handler().handle(exchange);
        return exchange;
    }
    std::shared_ptr<support::FakeStream> listen(std::string target, HeaderList more = {}) {
        const auto stream = open(stream_request(std::move(target), std::move(more)))->streamed();
        if (!stream) throw std::runtime_error("no stream began");
        return stream;
    }
    unsigned status(std::string target, HeaderList more = {}) {
        return open(stream_request(std::move(target), std::move(more)))->wait()->status;
    }
    void until_waiting(std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (bridge.waiters() != count) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << bridge.waiters();
            std::this_thread::yield();
        }
    }
    static std::size_t count(const std::string& text, const std::string& part) {
        std::size_t found = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
            ++found;
        }
        return found;
    }

private:
    support::ThreadTimers timers_;
};

TEST_F(RseStream, BeginsWithWhatIsThereAndGoesOnWithWhatComes) {  // R168
    post("/a", R"({"n":1})", other);
    const auto exchange = open(stream_request("/a"));
    const auto stream = exchange->streamed();
    ASSERT_TRUE(stream);
    EXPECT_EQ(exchange->head().headers.find("Content-Type"), "text/event-stream");
    EXPECT_EQ(exchange->head().headers.find("Cache-Control"), "no-store");
    EXPECT_THAT(exchange->head().body, StartsWith("retry: "));
    stream->wait_for("\"n\":1");
    post("/b", R"({"n":2})", other);
    post("/a", R"({"n":3})", other);
    const std::string text = stream->wait_for("\"n\":3");
    EXPECT_THAT(text, StartsWith(R"(id: 1
data: {"id":1,"user_agent":")"));
    EXPECT_THAT(text, HasSubstr("\n\nid: 3\ndata: {\"id\":3,"));
    EXPECT_THAT(text, Not(HasSubstr("\"n\":2")));
}

TEST_F(RseStream, LastEventIdIsTheLastKnownIdAndSpeaksBeforeIt) {  // R168, R20
    for (int i = 1; i <= 3; ++i) post("/a", "[" + std::to_string(i) + "]", other);
    EXPECT_THAT(listen("/a?last-known-id=2")->wait_for("[3]"), StartsWith("id: 3\n"));
    EXPECT_THAT(listen("/a?last-known-id=1", {{"Last-Event-ID", "2"}})->wait_for("[3]"),
                StartsWith("id: 3\n"));
    EXPECT_THAT(listen("/a?last-known-id=1", {{"Last-Event-ID", ""}})->wait_for("[3]"),
                StartsWith("id: 2\n"));
    EXPECT_EQ(status("/a", {{"Last-Event-ID", "x"}}), 400U);
    EXPECT_EQ(status("/a", {{"Last-Event-ID", "9999999999999999999"}}), 400U);
}

TEST_F(RseStream, OwnEventsAreLeftOutUnlessTheyAreWanted) {  // R156, R168
    const auto quiet = listen("/a");
    const auto echo = listen("/a?echo=true");
    post("/a", "[1]");
    post("/a", "[2]", other);
    EXPECT_THAT(quiet->wait_for("[2]"), StartsWith("id: 2\n"));
    EXPECT_THAT(echo->wait_for("[2]"), StartsWith("id: 1\n"));
}

TEST_F(RseStream, ParentsAndChildrenAreSaidWithTheirChannel) {  // R97, R99, R168
    const auto parents = listen("/a/b?events=parent");
    const auto below = listen("/a?events=all");
    post("/a", "[1]", other);
    post("/a/b", "[2]", other);
    for (const auto& stream : {parents, below}) {
        const std::string text = stream->wait_for("[2]");
        EXPECT_THAT(text, HasSubstr(R"("channel":"/a","data":[1]})"));
        EXPECT_THAT(text, HasSubstr(R"("channel":"/a/b","data":[2]})"));
    }
}

TEST_F(RseStream, LineEndsOfTheDataBecomeLinesOfTheStream) {  // R55, R168
    EXPECT_EQ(stream_block(7, "{\"a\":\r\n1,\n\"b\":2}"),
              "id: 7\ndata: {\"a\":\ndata: \ndata: 1,\ndata: \"b\":2}\n\n");
    const auto stream = listen("/a");
    post("/a", "[\n1]", other);
    EXPECT_THAT(stream->wait_for("1]}"), HasSubstr("\"data\":[\ndata: 1]}\n\n"));
}

TEST_F(RseStream, WhatCannotBeStreamedIsRefused) {  // R59, R168
    EXPECT_EQ(status("/a?sort=-1"), 400U);
    EXPECT_EQ(status("/a?max-events=x"), 400U);
    EXPECT_EQ(status("/a%20b"), 400U);
    settings.test_mode = true;
    restart();
    EXPECT_EQ(status("/a?callback=cb"), 400U);
    EXPECT_EQ(status("/a?method=POST&post-data=[]"), 201U) << "that is a post";
    bridge.set_not_ready("away");
    EXPECT_EQ(status("/a"), 503U);
}

TEST_F(RseStream, HeadAndWhoDoesNotAskForItGetAPoll) {  // R10, R168
    auto head = stream_request("/a");
    head.method = "HEAD";
    EXPECT_EQ(open(std::move(head))->wait()->status, 204U);
    EXPECT_EQ(get("/a").status, 204U);
    timers = nullptr;
    restart();
    EXPECT_EQ(status("/a"), 204U);
}

TEST_F(RseStream, AClientThatGoesFreesItsPlace) {  // R168
    const auto stream = listen("/a");
    until_waiting(1);
    stream->close();
    until_waiting(0);
}

TEST_F(RseStream, StopEndsEveryStreamWithAWord) {  // R168
    const auto stream = listen("/a");
    until_waiting(1);
    handler().stop();
    EXPECT_THAT(stream->text(), HasSubstr("event: end\ndata: {\"message\":\"the gateway stops"));
    EXPECT_TRUE(stream->closed());
    EXPECT_EQ(bridge.waiters(), 0U);
    EXPECT_TRUE(listen("/a")->closed());
}

TEST_F(RseStream, ATokenThatIsRevokedEndsItBeforeTheNextEvent) {  // R125, R168
    tokens.principals["t"] = principal({}, {"org.weft.dev.rse.a"});
    EXPECT_EQ(status("/b", {{"X-Auth-Token", "t"}}), 403U);
    EXPECT_EQ(status("/a", {{"X-Auth-Token", "u"}}), 401U);
    const auto stream = listen("/a", {{"X-Auth-Token", "t"}});
    until_waiting(1);
    tokens.principals.clear();
    post("/a", "[1]", other);
    EXPECT_THAT(stream->wait_for("event: end"), HasSubstr("revoked"));
    EXPECT_THAT(stream->text(), Not(HasSubstr("[1]")));
}

TEST_F(RseStream, WhoComesLateIsToldWhatExpired) {  // R158, R162, R168
    post("/a", "[1]", other);
    post("/a", "[2]", other);
    post("/a", "[3]");
    clock.advance(settings.ttl + 1ms);
    post("/a", "[4]", other);
    EXPECT_THAT(listen("/a?last-known-id=1")->wait_for("[4]"),
                StartsWith("event: expired\nid: 2\ndata: {\"through\":2}\n\nid: 4\n"));
    EXPECT_THAT(listen("/a?last-known-id=2")->wait_for("[4]"), StartsWith("id: 4\n"));
    EXPECT_THAT(listen("/a")->wait_for("[4]"), StartsWith("id: 4\n"));
}

TEST_F(RseStream, WhoDoesNotReadIsSentNoMoreUntilHeDoes) {  // R168
    const std::string body = "[\"" + std::string(100'000, 'x') + "\"]";
    for (int i = 0; i < 20; ++i) post("/a", body, other);
    const auto stream = open(stream_request("/a"), true)->streamed();
    ASSERT_TRUE(stream);
    stream->wait_for("id: 1\n");
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (stream->queued() < 128 * 1024 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_LE(stream->queued(), 512U * 1024);
    EXPECT_THAT(stream->text(), Not(HasSubstr("id: 20\n")));
    stream->read_all();
    const std::string text = stream->wait_for("id: 20\n");
    for (int i = 1; i <= 20; ++i) {
        EXPECT_EQ(count(text, "\nid: " + std::to_string(i) + "\n") + (i == 1 ? 1 : 0), 1U) << i;
    }
}

TEST_F(RseStream, AReadThatFailsIsTriedAgain) {  // R168
    post("/a", "[1]", other);
    bridge.fail_read(BridgeError{BridgeError::Kind::journal_away, "away"});
    const auto stream = listen("/a");
    EXPECT_EQ(stream->text(), "");
    bridge.fail_read(std::nullopt);
    EXPECT_THAT(stream->wait_for("[1]"), HasSubstr("[1]"));
}

TEST_F(RseStream, TenWritersAndFiveListenersMissAndRepeatNothing) {  // R152, R158, R168
    constexpr std::size_t writers = 10, posts = 50, listeners = 5;
    std::vector<std::shared_ptr<support::FakeStream>> streams;
    for (std::size_t i = 0; i < listeners; ++i) streams.push_back(listen("/hub"));
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < writers; ++w) {
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < posts; ++i) post("/hub", "[1]", other);
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::string last = "id: " + std::to_string(writers * posts) + "\n";
    for (const auto& stream : streams) {
        const std::string text = stream->wait_for(last);
        EXPECT_EQ(count(text, "data: "), writers * posts);
        std::size_t at = 0;
        for (std::size_t id = 1; id <= writers * posts; ++id) {
            const std::size_t found = text.find("id: " + std::to_string(id) + "\n", at);
            ASSERT_NE(found, std::string::npos) << id;
            at = found + 1;
        }
    }
}

}  // namespace
}  // namespace weft::gateway::rse
