// What one client, and all together, may take: each limit answers with its status and is counted.
#include <array>

#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpClient;

class HttpLimits : public HttpServerTest {
protected:
    /// `request` is answered `status` and the connection closed, without a handler.
    void expect_refused(const std::string& request, unsigned status, const std::string& reason) {
        const std::uint64_t before = stat("refused." + reason);
        HttpClient client = connect();
        client.send(request);
        const HttpAnswer answer = client.answer();
        EXPECT_EQ(answer.status, status) << answer.body;
        EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
        EXPECT_EQ(answer.headers.at("connection"), "close");
        EXPECT_THAT(answer.body, HasSubstr("\"status\":" + std::to_string(status)));
        EXPECT_TRUE(client.is_closed());
        EXPECT_EQ(stat("refused." + reason), before + 1);
        EXPECT_EQ(handler_->handled, 0);
    }
};

TEST_F(HttpLimits, AnswerFramingThatCanBeReadInTwoWaysWith400AndClose) {  // H4
    serve_echo();
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    expect_refused(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n" +
            smuggled,
        400, "bad_framing");
    expect_refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n" + smuggled,
                   400, "bad_framing");
    expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n" + smuggled, 400, "bad_header");
    expect_refused("GET / HTTP/1.1\r\n\r\n" + smuggled, 400, "bad_host");
    expect_refused("GET / HTTP/1.1 \r\nHost: h\r\n\r\n" + smuggled, 400, "bad_request_line");
    expect_refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400,
                   "bad_chunk");
    expect_refused("GET / HTTP/3.0\r\n\r\n", 505, "version_not_spoken");
    expect_refused("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_not_served");
    expect_refused(get("/", "Expect: more\r\n"), 417, "expectation_failed");
}

TEST_F(HttpLimits, BoundLinesHeadersAndBodies) {
    settings_.limits.header = 1000;
    settings_.limits.line = 500;
    settings_.limits.header_count = 5;
    settings_.limits.body = 100;
    serve_echo();
    expect_refused(get("/" + std::string(600, 'a')), 414, "line_too_long");
    expect_refused(get("/", "X: " + std::string(600, 'a') + "\r\n"), 431, "header_too_large");
    expect_refused(get("/", "A: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n"), 431, "header_too_large");
    expect_refused(post("/", std::string(101, 'a')), 413, "body_too_large");
    expect_refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 413,
                   "body_too_large");
}

TEST_F(HttpLimits, AnswerALargeBodyBeforeItHasComeAndLetTheAnswerBeRead) {
    serve_echo();
    HttpClient client = connect();
    // The client goes on sending, as most do; the answer must not be destroyed by a reset.
    std::thread sender([&] {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
        const std::string some(100'000, 'x');
        for (int i = 0; i < 20 && client.send(some); ++i) {
        }
    });
    EXPECT_EQ(client.answer().status, 413U);
    sender.join();
}

TEST_F(HttpLimits, BoundTheMemoryOfAllBodiesTogether) {
    settings_.limits.bodies = 1000;
    serve_shelf();
    HttpClient one = connect();
    one.send(post("/", std::string(800, 'a')));
    auto exchange = shelf_.take();
    HttpClient other = connect();

    EXPECT_EQ(other.ask(post("/", std::string(300, 'b'))).status, 503U);
    EXPECT_EQ(stat("refused.too_many_bodies"), 1U);

    exchange->answer(Response::of(200, "text/plain", ""));
    exchange.reset();
    EXPECT_TRUE(eventually([&] { return stat("body_bytes") == 0; }));
    HttpClient third = connect();
    third.send(post("/", std::string(300, 'b')));
    shelf_.take()->answer(Response::of(200, "text/plain", ""));
    EXPECT_EQ(third.answer().status, 200U);
}

TEST_F(HttpLimits, BoundTheRequestsThatWaitForAnswers) {
    settings_.limits.requests = 2;
    serve_shelf();
    std::array<HttpClient, 3> clients{connect(), connect(), connect()};
    clients[0].send(get("/"));
    auto one = shelf_.take();
    clients[1].send(get("/"));
    auto two = shelf_.take();

    EXPECT_EQ(clients[2].ask(get("/")).status, 503U);
    EXPECT_EQ(stat("refused.too_many_requests"), 1U);

    one->answer(Response::of(200, "text/plain", ""));
    EXPECT_EQ(clients[0].answer().status, 200U);
    EXPECT_TRUE(eventually([&] { return stat("requests_open") == 1; }));
    clients[2].send(get("/"));
    shelf_.take()->answer(Response::of(200, "text/plain", ""));
    EXPECT_EQ(clients[2].answer().status, 200U) << "the connection was kept";
}

TEST_F(HttpLimits, BoundTheConnectionsAndSaySo) {
    settings_.limits.connections = 2;
    serve_echo();
    HttpClient one = connect(), two = connect();
    EXPECT_EQ(one.ask(get("/")).status, 200U);
    EXPECT_EQ(two.ask(get("/")).status, 200U);
    {
        HttpClient third = connect();
        EXPECT_EQ(third.answer().status, 503U);
        EXPECT_TRUE(third.is_closed());
    }
    EXPECT_EQ(stat("refused.too_many_connections"), 1U);

    one.close();
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 1; }));
    EXPECT_EQ(connect().ask(get("/")).status, 200U);
}

TEST_F(HttpLimits, GiveAHeaderAShortTime) {  // H4: slowloris
    settings_.limits.header_time = 60ms;
    serve_echo();
    HttpClient client = connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-");

    EXPECT_EQ(client.answer().status, 408U);
    EXPECT_TRUE(client.is_closed());
    EXPECT_EQ(stat("refused.too_slow"), 1U);
}

TEST_F(HttpLimits, GiveABodyATime) {
    settings_.limits.body_time = 60ms;
    serve_echo();
    HttpClient client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");

    EXPECT_EQ(client.answer().status, 408U);
    EXPECT_EQ(handler_->handled, 0);
}

TEST_F(HttpLimits, CloseConnectionsThatAreIdleTooLong) {
    settings_.limits.idle = 50ms;
    settings_.limits.header_time = 50ms;
    serve_echo();
    HttpClient silent = connect(), done = connect();
    EXPECT_EQ(done.ask(get("/")).status, 200U);

    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(done.is_closed());
    EXPECT_EQ(stat("idle_closed"), 2U);
}

TEST_F(HttpLimits, LetAHandlerTakeItsTime) {
    settings_.limits.idle = settings_.limits.header_time = settings_.limits.body_time = 20ms;
    serve_shelf();
    HttpClient client = connect();
    client.send(get("/"));
    auto exchange = shelf_.take();
    EXPECT_TRUE(client.is_quiet_for(120ms));
    exchange->answer(echo(exchange->request()));
    EXPECT_EQ(client.answer().status, 200U);
}

TEST_F(HttpLimits, CutOffAClientThatDoesNotReadItsAnswer) {
    settings_.limits.idle = 60ms;
    serve([](const auto& exchange) {
        exchange->answer(
            Response::of(200, "application/octet-stream", std::string(20'000'000, 'x')));
    });
    HttpClient client(port(), 4096);
    client.send(get("/"));
    EXPECT_TRUE(eventually([&] { return stat("stalled_writer") == 1; }));
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
}

TEST_F(HttpLimits, ServeOthersWhileTwoThousandSocketsDawdle) {
    settings_.limits.connections = 3000;
    serve_echo();
    std::vector<HttpClient> slow;
    for (int i = 0; i < 2000; ++i) {
        slow.emplace_back(port());
        slow.back().send(i % 2 == 0 ? "GET / HT"
                                    : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx");
    }
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 2000; }));

    HttpClient client = connect();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(client.ask(get("/")).status, 200U);

    slow[0].send("TP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(slow[0].answer().body, "GET / ");
    slow.clear();
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 1; }));
}

TEST_F(HttpLimits, ReadAheadOnlyALittleWhileARequestWaits) {
    settings_.limits.header = 2000;
    serve_shelf();
    HttpClient client(port());
    const int small = 65536;
    ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    client.send(get("/first"));
    auto first = shelf_.take();

    // What does not fit into the kernel's buffers and ours blocks the sender.
    std::atomic<bool> all_sent{false};
    std::thread sender([&] {
        const std::string more = post("/more", std::string(1'000'000, 'x'));
        for (int i = 0; i < 4; ++i) client.send(more);
        all_sent = true;
    });
    EXPECT_TRUE(eventually([&] {
        pollfd writable{client.fd(), POLLOUT, 0};
        return ::poll(&writable, 1, 100) == 0;
    })) << "the sender was never stopped";
    EXPECT_FALSE(all_sent);
    EXPECT_EQ(stat("body_bytes"), 0U);
    first->answer(echo(first->request()));
    EXPECT_EQ(client.answer().body, "GET /first ");
    for (int i = 0; i < 4; ++i) {
        shelf_.take()->answer(Response::of(200, "text/plain", "ok"));
        EXPECT_EQ(client.answer().body, "ok");
    }
    sender.join();
}

}  // namespace
}  // namespace weft::gateway
