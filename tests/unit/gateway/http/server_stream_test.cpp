// Bodies that go on: to many readers, slow ones, and ones that go.
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpClient;

class HttpStreams : public HttpServerTest {
protected:
    std::shared_ptr<Stream> begin_stream(HttpClient& client, const std::string& request) {
        client.send(request);
        Response head;
        head.headers.add("Content-Type", "text/event-stream");
        return shelf_.take()->stream(std::move(head));
    }
};

TEST_F(HttpStreams, SendChunksAsTheyComeAndKeepTheConnectionAfterTheEnd) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, get("/"));
    const HttpAnswer head = client.head();
    EXPECT_EQ(head.headers.at("transfer-encoding"), "chunked");
    EXPECT_EQ(head.headers.at("content-type"), "text/event-stream");

    EXPECT_TRUE(stream->send(bytes("one")));
    EXPECT_EQ(client.chunk(), "one");
    EXPECT_TRUE(stream->send(bytes("")));
    EXPECT_TRUE(stream->send(bytes("two")));
    EXPECT_EQ(client.chunk(), "two") << "an empty piece does not end the body";
    stream->end();
    EXPECT_EQ(client.chunk(), "");
    EXPECT_FALSE(stream->send(bytes("three")));
    EXPECT_TRUE(stream->closed());

    client.send(get("/next"));
    auto next = shelf_.take();
    next->answer(echo(next->request()));
    EXPECT_EQ(client.answer().body, "GET /next ");
}

TEST_F(HttpStreams, SendTheBodyOfTheHeadFirstAndAllThatGathered) {
    serve([](const auto& exchange) {
        Response head = Response::of(200, "text/plain", "head,");
        auto stream = exchange->stream(std::move(head));
        for (int i = 0; i < 500; ++i) stream->send(bytes(std::to_string(i) + ","));
        stream->end();
    });
    std::string expected = "head,";
    for (int i = 0; i < 500; ++i) expected += std::to_string(i) + ",";

    EXPECT_EQ(connect().ask(get("/")).body, expected);
    EXPECT_EQ(connect().ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, expected);
}

TEST_F(HttpStreams, HaveNoChunksForHttp10AndEndWithTheConnection) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, "GET / HTTP/1.0\r\n\r\n");
    stream->send(bytes("abc"));
    stream->end();

    const HttpAnswer answer = client.answer();
    EXPECT_FALSE(answer.chunked);
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_EQ(answer.body, "abc");
}

TEST_F(HttpStreams, AnswerHeadWithTheHeadAlone) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");

    EXPECT_EQ(client.answer(true).status, 200U);
    EXPECT_TRUE(eventually([&] { return stream->closed(); }));
    client.send(get("/"));
    shelf_.take()->answer(Response::of(200, "text/plain", "ok"));
    EXPECT_EQ(client.answer().body, "ok");
}

TEST_F(HttpStreams, EndWhenTheHandlerLetsGo) {
    serve_shelf();
    HttpClient client = connect();
    begin_stream(client, get("/"))->send(bytes("last words"));

    EXPECT_EQ(client.answer().body, "last words");
}

TEST_F(HttpStreams, TellWhenTheReaderGoesAndTakeNothingMore) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, get("/"));
    client.head();
    std::atomic<int> closed{0};
    stream->on_closed([&] { ++closed; });

    client.close();

    EXPECT_TRUE(eventually([&] { return closed == 1; }));
    EXPECT_TRUE(stream->closed());
    EXPECT_FALSE(stream->send(bytes("x")));
    EXPECT_EQ(stream->queued(), 0U);
    stream->on_closed([&] { ++closed; });
    EXPECT_TRUE(eventually([&] { return closed == 2; })) << "at once if it has ended";
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
}

TEST_F(HttpStreams, CutOffASlowReaderAndSpareTheOthers) {
    settings_.limits.stream_queue = 100'000;
    serve_shelf();
    HttpClient slow(port(), 4096), quick = connect();
    auto to_slow = begin_stream(slow, get("/"));
    auto to_quick = begin_stream(quick, get("/"));
    std::atomic<bool> closed{false};
    to_slow->on_closed([&] { closed = true; });
    quick.head();

    // The kernel takes some megabytes before anything waits here.
    const SharedBytes piece = bytes(std::string(50'000, 'x'));
    bool slow_takes = true;
    std::size_t sent = 0;
    for (int i = 0; i < 2000 && slow_takes; ++i) {
        slow_takes = to_slow->send(piece);
        ASSERT_TRUE(to_quick->send(piece));
        sent += piece->size();
        std::size_t got = 0;
        while (got < piece->size()) got += quick.chunk().size();
        EXPECT_LE(to_slow->queued(), 100'000U);
    }

    EXPECT_FALSE(slow_takes) << "after " << sent << " bytes";
    EXPECT_TRUE(to_slow->closed());
    EXPECT_TRUE(eventually([&] { return closed.load(); }));
    EXPECT_EQ(stat("slow_reader"), 1U);
    EXPECT_TRUE(to_quick->send(bytes("still here")));
    EXPECT_EQ(quick.chunk(), "still here");
}

TEST_F(HttpStreams, ShareOneBufferAmongAllReaders) {
    serve_shelf();
    std::vector<HttpClient> clients;
    std::vector<std::shared_ptr<Stream>> streams;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(connect());
        streams.push_back(begin_stream(clients.back(), get("/")));
        clients.back().head();
    }
    SharedBytes shared = bytes(std::string(10'000, 'x'));
    for (const auto& stream : streams) EXPECT_TRUE(stream->send(shared));

    for (HttpClient& client : clients) EXPECT_EQ(client.chunk().size(), 10'000U);
    EXPECT_TRUE(eventually([&] { return shared.use_count() == 1; })) << "nobody keeps it";
}

TEST_F(HttpStreams, TakeBytesFromManyThreadsInEachOnesOrder) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, get("/"));
    std::vector<std::thread> senders;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        senders.emplace_back([&stream, letter] {
            for (int i = 0; i < 500; ++i) stream->send(bytes(letter + std::to_string(i) + ";"));
        });
    }
    for (std::thread& sender : senders) sender.join();
    stream->end();

    const std::string all = client.answer().body;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        std::size_t place = 0;
        for (int i = 0; i < 500; ++i) {
            place = all.find(letter + std::to_string(i) + ";", place);
            ASSERT_NE(place, std::string::npos) << letter << i;
        }
    }
}

TEST_F(HttpStreams, EndWithALastWordWhenTheServerStops) {
    serve_shelf();
    HttpClient client = connect();
    auto stream = begin_stream(client, get("/"));
    client.head();
    handler_->on_stop = [&] { stream->send(bytes("bye")); };

    std::thread stopping([&] { server_->stop(2s); });

    EXPECT_EQ(client.chunk(), "bye");
    EXPECT_EQ(client.chunk(), "");
    EXPECT_TRUE(client.is_closed());
    stopping.join();
    EXPECT_TRUE(stream->closed());
}

using HttpStop = HttpStreams;

TEST_F(HttpStop, AnswersWhatWaitsThroughTheHandlerAndClosesIdleConnections) {
    serve_shelf();
    HttpClient waiting = connect(), idle = connect(), silent = connect();
    idle.send(get("/"));
    shelf_.take()->answer(Response::of(200, "text/plain", "ok"));
    EXPECT_EQ(idle.answer().status, 200U);
    waiting.send(get("/poll"));
    auto exchange = shelf_.take();
    handler_->on_stop = [&] { exchange->answer(Response::of(200, "text/plain", "nothing new")); };

    const auto begin = std::chrono::steady_clock::now();
    server_->stop(60s);

    EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s) << "nobody had to be waited for";
    EXPECT_EQ(handler_->stopped, 1);
    const HttpAnswer answer = waiting.answer();
    EXPECT_EQ(answer.body, "nothing new");
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_TRUE(idle.is_closed());
    EXPECT_TRUE(silent.is_closed());
    EXPECT_THROW(connect(), std::system_error);
}

TEST_F(HttpStop, AnswersWhatTheHandlerForgotAndCutsOffTheRest) {
    serve_shelf();
    HttpClient waiting = connect(), slow = connect();
    waiting.send(get("/poll"));
    auto exchange = shelf_.take();
    slow.send("GET / HT");
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 2; }));

    server_->stop(400ms);

    EXPECT_EQ(waiting.answer().status, 503U);
    EXPECT_TRUE(slow.is_closed());
    EXPECT_EQ(stat("refused.stopping"), 1U);
    exchange->answer(Response::of(200, "text/plain", "too late"));
}

TEST_F(HttpStop, LeavesExchangesAndStreamsThatOutliveTheServer) {
    serve_shelf();
    HttpClient one = connect(), other = connect();
    auto stream = begin_stream(one, get("/"));
    other.send(get("/"));
    auto exchange = shelf_.take();
    std::atomic<int> told{0};
    exchange->on_gone([&] { ++told; });

    server_.reset();

    EXPECT_TRUE(stream->closed());
    EXPECT_FALSE(stream->send(bytes("x")));
    exchange->answer(Response::of(200, "text/plain", "x"));
    EXPECT_EQ(exchange->request().target, "/");
    exchange.reset();
    stream.reset();
    EXPECT_LE(told, 1);
}

TEST_F(HttpStop, DropsTimers) {
    serve_echo();
    auto kept = std::make_shared<int>(1);
    server_->timers().run(10h, [kept] { ++*kept; });
    server_->timers().post([kept] { ++*kept; });
    server_.reset();
    EXPECT_EQ(kept.use_count(), 1);
    EXPECT_LE(*kept, 2);
}

}  // namespace
}  // namespace weft::gateway
